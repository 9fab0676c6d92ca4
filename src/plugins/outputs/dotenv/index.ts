import { resolve } from "node:path"
import { defineOutput } from "../../../core/define.ts"
import { inspectTemplate } from "../template.ts"
import { headerFor } from "./foreign.ts"
import { Options } from "./options.ts"
import { openOutput } from "./output.ts"
import { readers } from "./readers/index.ts"
import type { Settings } from "./settings.ts"

/** A `.env` file: the whole of it, or some of its lines. */
export const dotenv = defineOutput({
  type: "dotenv",
  summary: "variables in a .env file, written for the program that reads it",
  options: Options,
  target: (options, folder) => resolve(folder, options.dotenv),
  inspect: (options) => {
    const found = Object.entries(options.variables).map(([name, template]) => ({ name, ...inspectTemplate(template) }))
    return {
      shows: [...new Set(found.flatMap(({ references }) => references.map(({ secret }) => secret)))],
      problems: found.flatMap(({ name, problems }) => problems.map((says) => ({ path: ["variables", name], says }))),
    }
  },
  open: (options, reach) => openOutput(settingsOf(options, reach)),
})

function settingsOf(options: Options, reach: { readonly folder: string; readonly label: string }): Settings {
  const reader = readers[options.for]
  return {
    target: resolve(reach.folder, options.dotenv),
    readerName: options.for,
    reader,
    merge: options.merge,
    variables: Object.entries(options.variables).map(([name, template]) => ({ name, template, secrets: [...new Set(inspectTemplate(template).references.map(({ secret }) => secret))] })),
    header: options.merge || !reader.comments ? undefined : headerFor(reach.label),
    files: { owner: options.owner, mode: options.mode },
  }
}
