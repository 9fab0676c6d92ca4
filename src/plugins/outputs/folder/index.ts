import { join, resolve } from "node:path"
import { z } from "zod"
import { defineOutput } from "../../../core/define.ts"
import { ownOptions } from "../file-options.ts"
import { inspectAll, variableOf } from "../variables/variable.ts"
import { openFolder } from "./output.ts"

const Options = z.strictObject({
  folder: z
    .string()
    .min(1, "name the folder to write into")
    .meta({
      description: "The folder to write into, relative to the config's folder",
      examples: ["/srv/shop/secrets"],
    }),
  files: z
    .record(z.string(), z.string({ error: "a file is a template: a string, in quotes" }))
    .refine((files) => Object.keys(files).length > 0, "name at least one file")
    .superRefine((files, context) => {
      for (const name of Object.keys(files)) {
        if (!/^[A-Za-z0-9_][\w.-]{0,127}$/.test(name))
          context.addIssue({
            code: "custom",
            path: [name],
            message:
              "the name of a file is letters, digits and . _ -, and does not begin with . or -",
          })
      }
    })
    .meta({
      description: "Files and the templates of what they hold",
      examples: [{ api_token: "{{ api_token.password }}" }],
    }),
  newline: z
    .boolean()
    .default(false)
    .meta({
      description: "A line end after each value",
      examples: [true],
    }),
  ...ownOptions,
})

/** One file a value, as Docker, systemd and Kubernetes lay secrets out. */
export const folder = defineOutput({
  type: "folder",
  summary: "one file a value in a folder, as in /run/secrets",
  options: Options,
  target: (options, base) => resolve(base, options.folder),
  files: (options, base) =>
    Object.keys(options.files).map((name) => join(resolve(base, options.folder), name)),
  inspect: ({ files }) =>
    inspectAll(
      Object.entries(files).map(([name, template]) => ({ path: ["files", name], template })),
    ),
  open: ({ folder: path, files, newline, ...rules }, context) =>
    openFolder({
      target: resolve(context.folder, path),
      readerName: "its reader",
      toTell: "write the value alone into the file",
      variables: Object.entries(files).map(([name, text]) => variableOf(name, text)),
      newline,
      files: rules,
    }),
})
