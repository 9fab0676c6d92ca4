import { resolve } from "node:path"
import { defineOutput } from "../../../core/define.ts"
import { headerFor } from "../file/header.ts"
import { inspectAll, variableOf } from "../variables/variable.ts"
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
  inspect: ({ variables }) => inspectAll(Object.entries(variables).map(([name, template]) => ({ path: ["variables", name], template }))),
  open: (options, reach) => openOutput(settingsOf(options, reach)),
})

function settingsOf(options: Options, reach: { readonly folder: string; readonly label: string }): Settings {
  const reader = readers[options.for]
  return {
    target: resolve(reach.folder, options.dotenv),
    readerName: options.for,
    toTell: "name the file's reader with for:, or write the value without variables",
    reader,
    merge: options.merge,
    variables: Object.entries(options.variables).map(([name, template]) => variableOf(name, template)),
    header: options.merge || !reader.comments ? undefined : headerFor(reach.label),
    files: { owner: options.owner, group: options.group, mode: options.mode, in_place: options.in_place },
  }
}
