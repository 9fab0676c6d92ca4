import { z } from "zod"
import { AppError } from "../../base/error.ts"
import { defineReference } from "../../core/define.ts"
import { once } from "../../core/once.ts"

const Options = once(() =>
  z.strictObject({
    env: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "expected the name of a variable")
      .meta({
        description: "A variable of Mycelium's own environment",
        examples: ["ROTATOR_PASSWORD"],
      }),
  }),
)

/** A variable of our own environment. */
export const env = defineReference({
  type: "env",
  summary: "a variable of Mycelium's own environment",
  options: Options,
  place: ({ env: name }) => `the variable ${name}`,
  variable: ({ env: name }) => name,
  read: async ({ env: name }, reach) => {
    const value = reach.env(name)
    if (value === undefined)
      throw new AppError("reference-missing", `the variable ${name} is not set`, {
        hint:
          "it holds a credential that the config asks for: set it for this process, " +
          "or name a file instead",
      })
    return value
  },
})
