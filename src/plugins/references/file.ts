import { resolve } from "node:path"
import { z } from "zod"
import { defineReference } from "../../core/define.ts"
import { once } from "../../core/once.ts"

const Options = once(() =>
  z.strictObject({
    file: z
      .string()
      .min(1)
      .meta({
        description: "A file that holds the credential and nothing else",
        examples: ["/run/secrets/rotator"],
      }),
  }),
)

/** A file that holds the credential and nothing else. What reads it loads when it is read. */
export const file = defineReference({
  type: "file",
  summary: "a file that holds the credential and nothing else",
  options: Options,
  place: ({ file: path }, folder) => resolve(folder, path),
  file: ({ file: path }, folder) => resolve(folder, path),
  read: async ({ file: path }, { folder }) =>
    (await import("./read-file.ts")).textOf(resolve(folder, path)),
  findings: async ({ file: path }, folder) =>
    (await import("./read-file.ts")).findingsOf(resolve(folder, path)),
})
