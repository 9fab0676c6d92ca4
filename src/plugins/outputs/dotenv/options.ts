import { z } from "zod"
import { fileOptions } from "../file-options.ts"
import { type ReaderName, readers } from "./readers/index.ts"

const names = Object.keys(readers).filter(isReader)

export const Options = z.strictObject({
  /** The file; relative to the config's folder. */
  dotenv: z.string().min(1, "name the file to write"),
  for: z.enum(names).default("portable"),
  merge: z.boolean().default(false),
  variables: z
    .record(z.string(), z.string({ error: "a variable is a template: a string, in quotes" }))
    .refine((variables) => Object.keys(variables).length > 0, "name at least one variable")
    .superRefine((variables, context) => {
      for (const name of Object.keys(variables)) {
        if (!isName(name))
          context.addIssue({
            code: "custom",
            path: [name],
            message:
              "the name of a variable is letters, digits and _, and does not begin with a digit",
          })
      }
    }),
  ...fileOptions,
})
export type Options = z.output<typeof Options>

function isReader(name: string): name is ReaderName {
  return Object.hasOwn(readers, name)
}
function isName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
}
