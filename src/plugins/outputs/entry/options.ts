import { z } from "zod"
import { present } from "../../../base/present.ts"
import { parseDuration } from "../../../base/text/duration.ts"
import type { Readers } from "../../../core/entry.ts"
import { inspectAll } from "../variables/variable.ts"

/** What the config says of every entry, whatever its manager is. */

const wrong = "expected a duration such as 1h or 5m, at most 7d"
const longestMs = 7 * 86_400_000

const Within = z
  .string({ error: wrong })
  .meta({ title: "duration", pattern: "^([0-9]+(ms|[smhdw]))+$", examples: ["1h"] })
  .transform((input, context) => {
    const ms = parseDuration(input)
    if (ms !== undefined && ms <= longestMs) return ms
    context.issues.push({ code: "custom", input, message: wrong })
    return z.NEVER
  })

const ReadersGiven = z
  .strictObject({
    within: Within.optional().meta({
      description:
        "How long programs may go on with what they have read: the sum of all caches on the way",
      default: "1h",
      examples: ["5m"],
    }),
    on: z
      .enum(["restart", "refusal"], "expected restart or refusal")
      .optional()
      .meta({
        description:
          "When programs read the entry anew, if not after a while: at a restart by their " +
          "deployment, which names the entry under reads or reads all outputs; " +
          "or when a login is refused",
        examples: ["restart"],
      }),
  })
  .refine(
    ({ within, on }) => (within === undefined) !== (on === undefined),
    "write either `within` or `on`",
  )
  .optional()
  .meta({ description: "When programs read the entry anew" })

export function entryOptions() {
  return {
    variables: z
      .record(
        z.string().min(1, "a field needs a name"),
        z.string({ error: "a value is a template: a string, in quotes" }),
      )
      .refine((map) => Object.keys(map).length > 0, "name at least one field")
      .meta({
        description: "Fields of the entry and the templates of their values",
        examples: [{ password: "{{ postgres.password }}" }],
      }),
    create: z
      .boolean({ error: "say true or false" })
      .default(false)
      .meta({
        description: "Makes the entry if there is none; else that is an error",
        examples: [true],
      }),
    readers: ReadersGiven,
  }
}

/** What the templates of an entry's fields show, and what is wrong with them. */
export function inspectFields(variables: Readonly<Record<string, string>>) {
  return inspectAll(
    Object.entries(variables).map(([name, template]) => ({ path: ["variables", name], template })),
  )
}

export type ReadersOption =
  | { readonly within?: number | undefined; readonly on?: "restart" | "refusal" | undefined }
  | undefined

export function readersIn(readers: ReadersOption): Readers | undefined {
  if (readers === undefined) return undefined
  return { withinMs: readers.within ?? 0, ...present({ on: readers.on }) }
}
