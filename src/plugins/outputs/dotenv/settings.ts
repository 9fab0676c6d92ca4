import type { FileRules } from "../file/rules.ts"
import type { Showing } from "../variables/variable.ts"
import type { Reader } from "./readers/reader.ts"

/** One `.env` file as the config describes it. */
export type Settings = Showing & {
  readonly reader: Reader
  readonly merge: boolean
  /**
   * The first line of a file that is ours as a whole; undefined for a reader without comments, or
   * where only some lines are ours.
   */
  readonly header: string | undefined
  readonly files: FileRules
}
