import { AppError } from "../../../base/error.ts"
import type { Values } from "../../../core/ports.ts"
import type { FileRules } from "../file/rules.ts"
import type { Held, Rendered, Showing } from "../variables/variable.ts"

/** A file that is ours as a whole: how it is written, and how its reader understands it. */
export type Form = {
  /** What it holds, by name. Throws `output-unreadable` ("line 3: …") where it is no such file. */
  parse(text: string): Contents
  write(rendered: Rendered, header: string | undefined): string
  /** How one takes a value away by hand, for hints. */
  emptied(name: string): string
}
export type Contents = {
  readonly entries: ReadonlyMap<string, Held>
  /** It holds more than values: comments. */
  readonly more: boolean
}
export type Whole = Showing & {
  readonly form: Form
  /** The first line, where the format has comments. */
  readonly header: string | undefined
  readonly files: FileRules
  /**
   * Throws where a value would be more there than a value; left out, the form writes every value as
   * one.
   */
  readonly mustTake?: (values: Values) => void
}

/** The contents; an error names the file. */
export function contentsOf(whole: Whole, text: string): Contents {
  try {
    return whole.form.parse(text)
  } catch (error) {
    throw error instanceof AppError ? error.within(whole.target) : error
  }
}

export function isBlank(text: string): boolean {
  return /^(?:\xef\xbb\xbf)?\s*$/.test(text)
}
