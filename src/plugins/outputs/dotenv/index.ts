import { resolve } from "node:path"
import { defineOutput } from "../../../core/define.ts"
import { headerFor } from "../file/header.ts"
import { inspectTemplate, renderTemplate } from "../liquid.ts"
import { inspectAll, variableOf } from "../variables/variable.ts"
import { Options } from "./options.ts"
import { openOutput } from "./output.ts"
import { readers } from "./readers/index.ts"
import { toBinary } from "./readers/reader.ts"
import type { Settings } from "./settings.ts"

/** A `.env` file: the whole of it, or some of its lines. */
export const dotenv = defineOutput({
  type: "dotenv",
  summary: "variables in a .env file, written for the program that reads it",
  options: Options,
  target: (options, folder) => resolve(folder, options.dotenv),
  inspect: ({ for: reader, variables }) => {
    const templates = Object.entries(variables).map(([name, template]) => ({
      path: ["variables", name],
      template,
    }))
    const { shows, problems } = inspectAll(templates)
    return {
      shows,
      problems: [
        ...problems,
        ...templates.flatMap(({ path, template }) =>
          unfit(reader, template).map((message) => ({ path, message })),
        ),
      ],
    }
  },
  open: (options, context) => openOutput(settingsOf(options, context)),
})

/** What stands around the values is known by now: is there a way to write it for this reader? */
function unfit(name: Options["for"], template: string): readonly string[] {
  const { references, problems } = inspectTemplate(template)
  // A tag may choose by the value.
  if (problems.length > 0 || template.includes("{%")) return []
  const values: Record<
    string,
    { readonly version: string; readonly fields: Record<string, string> }
  > = {}
  for (const { secret, field } of references)
    (values[secret] ??= { version: "", fields: {} }).fields[field] = "x"
  try {
    const written = readers[name].write(toBinary(renderTemplate(template, values)))
    return "refused" in written
      ? [`this text cannot be written for ${name}: ${written.refused}`]
      : []
  } catch {
    return []
  }
}

function settingsOf(
  options: Options,
  context: { readonly folder: string; readonly label: string },
): Settings {
  const reader = readers[options.for]
  return {
    target: resolve(context.folder, options.dotenv),
    readerName: options.for,
    toTell:
      "name the file's reader with for:, or write the value alone: no variables, " +
      "and no blanks or comment after it",
    reader,
    merge: options.merge,
    variables: Object.entries(options.variables).map(([name, template]) =>
      variableOf(name, template),
    ),
    header: options.merge || !reader.comments ? undefined : headerFor(context.label),
    files: {
      owner: options.owner,
      group: options.group,
      mode: options.mode,
      in_place: options.in_place,
    },
  }
}
