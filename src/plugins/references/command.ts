import { z } from "zod"
import { defineReference } from "../../core/define.ts"
import { once } from "../../core/once.ts"

const Options = once(() =>
  z.strictObject({
    command: z
      .array(z.string(), "expected a list: [program, argument, …]")
      .min(1, "names no program")
      .meta({
        description: "A program that prints the credential, within 30 seconds",
        examples: [["pass", "show", "rotator"]],
      }),
  }),
)

/** A program that prints the credential. What runs it loads when it is read. */
export const command = defineReference({
  type: "command",
  summary: "a program that prints the credential",
  options: Options,
  place: ({ command: [program = ""] }) => `the output of ${program}`,
  read: async ({ command: argv }, reach) =>
    (await import("./read-command.ts")).outputOf(argv, reach),
})
