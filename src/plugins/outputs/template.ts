import { resolve } from "node:path"
import { z } from "zod"
import { AppError } from "../../base/error.ts"
import { defineOutput } from "../../core/define.ts"
import type { Values } from "../../core/ports.ts"
import { fileOptions } from "./file-options.ts"
import { breaksOut } from "./liquid/breaks-out.ts"
import { inspectAll, variableOf } from "./variables/variable.ts"
import type { Form } from "./whole/form.ts"
import { openWhole } from "./whole/output.ts"

const longest = 100_000

const Options = z
  .strictObject({
    template: z
      .string()
      .min(1, "name the file to write")
      .meta({
        description: "The file to write, relative to the config's folder",
        examples: ["/srv/reports/.pgpass"],
      }),
    text: z
      .string({ error: "the text is a template: a string, in quotes or after |" })
      .max(longest, `a template has ${longest} characters at most`)
      .optional()
      .meta({
        description: "The LiquidJS template itself; this or from",
        examples: ["db:5432:shop:{{ reports.user }}:{{ reports.password }}\n"],
      }),
    from: z
      .string()
      .min(1, "name the file that holds the template")
      .optional()
      .meta({
        description:
          "A file that holds the template, relative to the config's folder; trusted like the config",
        examples: ["redis.conf.liquid"],
      }),
    ...fileOptions,
  })
  .refine(
    ({ text, from }) => (text === undefined) !== (from === undefined),
    "write the template itself as text:, or name its file with from:",
  )

/** Any text file, as one LiquidJS template. */
export const template = defineOutput({
  type: "template",
  summary: "any text file, from a LiquidJS template: redis.conf, userlist.txt, .pgpass",
  options: Options,
  target: (options, folder) => resolve(folder, options.template),
  source: { from: ({ from }) => from, embed: (raw, text) => withText(raw, text) },
  inspect: ({ text }) => inspectAll(text === undefined ? [] : [{ path: ["text"], template: text }]),
  open: ({ template: path, text, owner, group, mode, in_place }, context) => {
    if (text === undefined) throw new AppError("internal", "the template's file was not read")
    return openWhole({
      target: resolve(context.folder, path),
      readerName: "its reader",
      toTell: "write it as text: in the config",
      variables: [variableOf("", text)],
      form,
      header: undefined,
      files: { owner, group, mode, in_place },
      mustTake: (values) => refuseBreakOut(resolve(context.folder, path), text, values),
    })
  },
})

/** Its reader is unknown here, so nothing can be escaped for it. */
function refuseBreakOut(target: string, text: string, values: Values): void {
  const found = breaksOut(text, values)
  if (found === undefined) return
  const [secret] = found.place.split(".")
  const what =
    found.what === "control"
      ? "holds a line break or another control character, which would be more than a value there"
      : "holds the quotation mark that it stands in there, and would end it"
  throw new AppError("value-breaks-out", `${target}: ${found.place} ${what}`, {
    hint:
      `let the template write it through a filter that its reader undoes ({{ ${found.place} | ` +
      `json }}, url_encode, base64_encode); or give ${secret} another value: ` +
      "mycelium rotate-now makes one without such characters",
  })
}

function withText(raw: unknown, text: string): unknown {
  const { from: _, ...rest } = Object(raw) as Readonly<Record<string, unknown>>
  return { ...rest, text }
}

/** One variable without a name: the whole text. What else it may say is its template's business. */
const form: Form = {
  parse: (text) => ({ entries: new Map([["", { value: text }]]), more: false }),
  write: (rendered) => rendered.get("") ?? "",
  emptied: () => "move the file away",
}
