import { AppError } from "../base/error.ts"

/**
 * One thing that is wrong in the config. Its words name keys, never a value: a value may be a
 * password in the wrong place.
 */
export type Problem = {
  readonly file: string
  readonly line: number
  readonly column: number
  /** "environments.production.secrets.postgres"; empty for the file as a whole. */
  readonly path: string
  readonly message: string
  readonly hint?: string
}

export type Path = readonly (string | number)[]

export type SourceLocation = { readonly line: number; readonly column: number }

/** What is wrong at a place of the text. */
export type Spot = SourceLocation & {
  readonly message: string
  readonly hint?: string
  readonly path?: Path
  /** What the data says about the same line is a consequence of this. */
  readonly hides?: true
}

/** A problem by its place in the data; the place in the file is looked up at the end. */
export type Fault = {
  readonly path: Path
  /** Points at the key instead of at the value. */
  readonly at?: "key"
  /**
   * The path ends in a key that does not exist here, which is not shown: it may be a value in the
   * wrong place.
   */
  readonly unknown?: true
  readonly message: string
  readonly hint?: string
  /**
   * The key that `path` lacks; the key that an unknown one was meant to be. One mistake is told
   * once.
   */
  readonly missing?: string
  readonly meant?: string
  /** Judges a map as a whole, which a misspelt key in it may have caused. */
  readonly whole?: true
}
export type Report = (fault: Fault) => void

/**
 * Without the consequences of others: a misspelt key lacks under its right name, and its map is
 * judged without it.
 */
export function withoutEchoes(faults: readonly Fault[]): readonly Fault[] {
  const misspelt = faults.filter(({ meant }) => meant !== undefined)
  const meant = new Set(
    misspelt.map(({ path, meant: key = "" }) => JSON.stringify([...path.slice(0, -1), key])),
  )
  const maps = new Set(misspelt.map(({ path }) => JSON.stringify(path.slice(0, -1))))
  return faults.filter(({ path, missing, whole }) => {
    if (missing !== undefined) return !meant.has(JSON.stringify([...path, missing]))
    return whole === undefined || !maps.has(JSON.stringify(path))
  })
}

/** No person reads more. */
const mostShown = 100
/**
 * A config with more problems is not judged to its end: it is no config, or one mistake was made
 * again and again.
 */
const mostJudged = 1000

/** Thrown by `Faults` when nothing more is judged. */
export class Enough extends Error {}

/** What was found so far. */
export class Faults {
  readonly found: Fault[] = []
  /** Throws `Enough` at the first that is one too many. */
  readonly report: Report = (fault) => {
    if (this.found.length >= mostJudged) throw new Enough("too many problems")
    this.found.push(fault)
  }
}

/**
 * Everything that is wrong with a config, at once; `judged`: to its end. Its message is the first
 * problem, for a caller that shows one line only.
 */
export class ConfigProblems extends AppError {
  readonly problems: readonly Problem[]
  readonly judged: boolean
  constructor(problems: readonly Problem[], judged = true) {
    const [first] = problems
    const more =
      problems.length > 1 || !judged
        ? ` (and ${judged ? "" : "at least "}${problems.length - 1} more)`
        : ""
    super(
      "config-invalid",
      first === undefined ? "the config is not valid" : `${lineOf(first)}${more}`,
      first?.hint === undefined ? {} : { hint: first.hint },
    )
    this.problems = problems
    this.judged = judged
  }
}

/** For a terminal: the first problems, as `formatProblems` writes them, and how many there are. */
export function formatAll({ problems, judged }: ConfigProblems): string {
  const count =
    `the config has ${judged ? "" : "more than "}${problems.length} ` +
    `problem${problems.length === 1 ? "" : "s"}`
  const shown = problems.slice(0, mostShown)
  const left =
    shown.length < problems.length || !judged
      ? `, of which the first ${shown.length} stand here`
      : ""
  return `${formatProblems(shown)}mycelium: ${count}${left}; nothing was done`
}

/** `file:line:column  path: sentence`, with a line for each hint; for a terminal. */
export function formatProblems(problems: readonly Problem[]): string {
  return problems
    .map(
      (problem) =>
        `${lineOf(problem)}\n${problem.hint === undefined ? "" : `  hint: ${problem.hint}\n`}`,
    )
    .join("")
}

function lineOf({ file, line, column, path, message }: Problem): string {
  return `${file}:${line}:${column}  ${path === "" ? "" : `${path}: `}${message}`
}

/** The path that people are shown. */
export function shownPath({ path, unknown }: Fault): string {
  return formatPath(unknown ? path.slice(0, -1) : path)
}

/**
 * A path for people. A key that is no plain word is not repeated: it may be a value in the wrong
 * place, or move the cursor.
 */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`
    const word = isPlainWord(step) ? step : "…"
    return text === "" ? word : `${text}.${word}`
  }, "")
}

export function isPlainWord(text: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/.test(text)
}
