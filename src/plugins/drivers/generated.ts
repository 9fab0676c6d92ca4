import { z } from "zod"
import { sayBits, sayShape } from "../../base/text/value-shape.ts"
import { defineDriver } from "../../core/define.ts"
import type { Fields, MakeText, Versions } from "../../core/ports.ts"
import { shapeOf, valueKeys, valueProblems } from "./value-options.ts"

const limits = { least: 16, most: 1024 }

const Options = z
  .strictObject({
    ...valueKeys(limits),
    keep_previous: z
      .boolean({ error: "say true or false" })
      .optional()
      .meta({
        description:
          "A key ring: {{ NAME.previous }} is the value before, for programs that must accept " +
          "both until the next rotation",
        default: false,
        examples: [true],
      }),
  })
  .superRefine((options, context) => {
    for (const { path, message } of valueProblems(options, limits))
      context.addIssue({ code: "custom", path: [path], message: message })
  })
type Options = z.output<typeof Options>

/**
 * A value that no service asks for: a session key, a token between our own programs. Proven by what
 * the outputs show.
 */
export const generated = defineDriver({
  type: "generated",
  summary: "a random value that no service has to be told",
  fields: ["password"],
  moreFields: ({ keep_previous }) => (keep_previous === true ? ["previous"] : []),
  shape: (options) => shapeOf(options, limits),
  options: Options,
  overlap: () => "none",
  logins: () => [],
  open: (options) => ({
    overlap: "none",
    generate: (versions, text, contain) => draft(options, versions, text, contain === true),
    preflight: () => Promise.resolve([]),
    settle: () => Promise.resolve(true),
    apply: () => Promise.resolve({}),
    // Never asked: the engine proves nothing at a service that does not exist.
    probe: () => Promise.resolve("unknown"),
    revoke: () => Promise.resolve({ sessionsEnded: 0 }),
    describe: () =>
      `a new value: ${sayShape(shapeOf(options, limits))}, ${sayBits(shapeOf(options, limits))}`,
  }),
})

/** In an incident the current value is in wrong hands: the next version holds nothing of it. */
function draft(options: Options, { current }: Versions, text: MakeText, contain: boolean): Fields {
  const password = text("password", shapeOf(options, limits))
  const before =
    options.keep_previous === true && !contain ? current?.fields["password"] : undefined
  return before === undefined ? { password } : { password, previous: before }
}
