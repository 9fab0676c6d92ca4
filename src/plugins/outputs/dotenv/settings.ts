import { AppError } from "../../../base/error.ts"
import type { Values } from "../../../core/ports.ts"
import type { FileRules } from "../file-options.ts"
import { renderTemplate } from "../template.ts"
import { type Reader, toBinary } from "./readers/reader.ts"

/** One `.env` file as the config describes it. */
export type Settings = {
  readonly target: string
  /** "compose": for errors. */
  readonly readerName: string
  readonly reader: Reader
  readonly merge: boolean
  /** In the order of the config. */
  readonly variables: readonly Variable[]
  /** The first line of a file that is ours as a whole; undefined for a reader without comments, or where only some lines are ours. */
  readonly header: string | undefined
  readonly files: FileRules
}
export type Variable = { readonly name: string; readonly template: string; readonly secrets: readonly string[] }

/** By variable: what it shall hold, as a binary string. */
export type Rendered = ReadonlyMap<string, string>

export function render(settings: Settings, values: Values): Rendered {
  return new Map(settings.variables.map((variable) => [variable.name, renderVariable(settings, variable, values)]))
}

export function renderVariable(settings: Settings, variable: Variable, values: Values): string {
  try {
    return toBinary(renderTemplate(variable.template, values))
  } catch (error) {
    throw error instanceof AppError ? error.within(`${settings.target}: ${variable.name}`) : error
  }
}
