import { resolve } from "node:path"
import { AppError } from "../../../base/error.ts"
import type { LocalContext } from "../../../core/define.ts"
import type { Output } from "../../../core/ports.ts"
import { fromBinary, toBinary } from "../dotenv/readers/reader.ts"
import type { FileRules } from "../file/rules.ts"
import { headerFor } from "../file/header.ts"
import { inspectAll, variableOf } from "../variables/variable.ts"
import type { Contents, Form } from "../whole/form.ts"
import { openWhole } from "../whole/output.ts"
import { type Branch, grow, nameOf } from "./names.ts"
import { type Tree, leavesOf } from "./options.ts"

/** JSON or YAML: how each writes and reads a tree of texts. */
export type Notation = {
  readonly name: string
  readonly comments: boolean
  write(tree: Branch): string
  /**
   * Throws `output-unreadable`, and quotes nothing. A text of more than `mostParts` keys and values
   * is refused, for a parser could take long with it.
   */
  read(text: string, mostParts: number): Reading
}
export type Reading = {
  /** By name; undefined where it is no text. */
  readonly values: ReadonlyMap<string, string | undefined>
  readonly twice: readonly string[]
  /** It holds comments. */
  readonly more: boolean
}

export function inspectTree(variables: Tree): ReturnType<typeof inspectAll> {
  return inspectAll(
    leavesOf(variables).map(({ path, template }) => ({ path: ["variables", ...path], template })),
  )
}

export function openTree(
  notation: Notation,
  options: { readonly path: string; readonly variables: Tree; readonly files: FileRules },
  context: LocalContext,
): Output {
  const variables = leavesOf(options.variables).map(({ path, template }) =>
    variableOf(nameOf(path), template),
  )
  return openWhole({
    target: resolve(context.folder, options.path),
    readerName: notation.name,
    toTell: "write the value as a text, in quotes",
    variables,
    form: formOf(notation, new Set(variables.map(({ name }) => name))),
    header: notation.comments ? headerFor(context.label) : undefined,
    files: options.files,
  })
}

function formOf(notation: Notation, ours: ReadonlySet<string>): Form {
  return {
    parse: (text) => parse(notation, text, ours),
    write: (rendered, header) => {
      const values = new Map([...rendered].map(([name, value]) => [name, textOf(value, name)]))
      return `${header === undefined ? "" : `${header}\n`}${toBinary(notation.write(grow(values)))}`
    },
    emptied: (name) => `empty it (${name}: "")`,
  }
}

function parse(notation: Notation, text: string, ours: ReadonlySet<string>): Contents {
  const decoded = fromBinary(text.replace(/^\xef\xbb\xbf/, ""))
  if (decoded === undefined)
    throw new AppError("output-unreadable", "it is not valid UTF-8", {
      hint: "write it as UTF-8, or move it away",
    })
  const { values, twice, more } = notation.read(decoded, mostPartsFor(ours.size))
  // What stands there as a key of others may be a value in the wrong place: it is not repeated.
  const [again] = twice
  if (again !== undefined)
    throw new AppError(
      "output-key-twice",
      `${ours.has(again) ? again : "a key"} stands there twice`,
      { hint: "delete one of the two" },
    )
  return {
    entries: new Map(
      [...values].map(([name, value]) => [
        name,
        { value: value === undefined ? undefined : toBinary(value) },
      ]),
    ),
    more,
  }
}

/** Far more than a file of that many variables holds, comments and keys of others included. */
function mostPartsFor(variables: number): number {
  return 10_000 + 50 * variables
}

function textOf(value: string, name: string): string {
  const text = fromBinary(value)
  if (text === undefined)
    throw new AppError("output-value-unfit", `the value of ${name} is not valid Unicode text`)
  return text
}
