import { z } from "zod"
import { fileOptions } from "../file-options.ts"
import { type ReaderName, readers } from "./readers/index.ts"

const names = Object.keys(readers).filter(isReader)

export const Options = z.strictObject({
  dotenv: z
    .string()
    .min(1, "name the file to write")
    .meta({
      description: "The file to write, relative to the config's folder",
      examples: [".env"],
    }),
  for: z
    .enum(names)
    .default("portable")
    .meta({
      description: "The program that reads the file; portable is what all of them read alike",
      examples: ["compose"],
    }),
  merge: z
    .boolean()
    .default(false)
    .meta({
      description: "Write these variables alone: all other lines of the file stay",
      examples: [true],
    }),
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
    })
    .meta({
      description: "Variables and the templates of their values",
      examples: [{ POSTGRES_PASSWORD: "{{ postgres.password }}" }],
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
