import { AppError } from "../../../../base/error.ts"

/**
 * A reader of `.env` files, as two functions: how it reads a file, and how a value is written for
 * it. Texts are binary strings, one character a byte, so that offsets are bytes and what is not
 * valid UTF-8 survives an edit.
 */
export interface Reader {
  /** True where a line that begins with # is skipped. */
  readonly comments: boolean
  /**
   * True where a line may end as on Windows: no program that goes by this name takes the carriage
   * return for a part of the value.
   */
  readonly crlf: boolean
  /**
   * The file as the reader understands it, in order. Throws `output-unreadable` ("line 3: …") where
   * the reader would refuse it.
   */
  parse(text: string): readonly Entry[]
  /**
   * What to write after `KEY=`. `quote`: the quotes that stand there now, kept where the value
   * allows.
   */
  write(value: string, quote?: Quote): Written
}
export type Quote = '"' | "'" | "`"
export type Entry = {
  readonly key: string
  /**
   * What the reader makes of it; undefined where the file alone does not tell (it names other
   * variables, or readers differ).
   */
  readonly value: string | undefined
  /**
   * Where the value stands, with its quotes, without an inline comment and the blanks before that.
   */
  readonly start: number
  readonly end: number
  /** Set where the whole value stands in one pair of quotes. */
  readonly quote?: Quote
}
export type Written = { readonly text: string } | { readonly refused: string }

export const bom = "\u00ef\u00bb\u00bf"

export function toBinary(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1")
}
/** Undefined where the bytes are not valid UTF-8. */
export function fromBinary(text: string): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      Buffer.from(text, "latin1"),
    )
  } catch {
    return undefined
  }
}

/**
 * Characters that every reader takes unquoted, anywhere but as marked: `=` not first nor after a
 * colon (zsh). Measured on 37 readers; those that a shell might take for a pattern, a brace or its
 * history are left out all the same.
 */
export function isPlain(value: string): boolean {
  return /^[A-Za-z0-9%+,\-./:?=@_]*$/.test(value) && !/(^|:)=/.test(value)
}

/** Plain values as they are, in the quotes that were there; all others by `otherwise`. */
export function writePlain(
  value: string,
  quote: Quote | undefined,
  otherwise: (value: string) => Written,
): Written {
  if (value.includes("\0")) return { refused: "it holds a NUL character" }
  if (!isPlain(value)) return otherwise(value)
  return { text: quote === undefined ? value : `${quote}${value}${quote}` }
}

/** Lines after which a quote that was not seen to close comes to light. */
const neighbours = ["' #'", '" #"', "` #`", "x"] as const

/**
 * The first of `texts` that `parse` reads as this value, whatever stands on the next line, which
 * stays what it is.
 */
export function firstReadBack(
  value: string,
  texts: readonly string[],
  parse: Reader["parse"],
): Written | undefined {
  const text = texts.find((one) =>
    [one, ...neighbours].every((other) => {
      const [own, next, ...more] = parse(`A=${one}\nB=${other}\n`)
      const alone = more.length === 0 && own?.key === "A" && next?.key === "B"
      return (
        alone &&
        own.value === value &&
        own.start === 2 &&
        own.end === 2 + one.length &&
        next.value === parse(`B=${other}\n`)[0]?.value
      )
    }),
  )
  return text === undefined ? undefined : { text }
}

/**
 * What two programs that go by one name both say of a text; where they differ a value is undefined.
 */
export function agreed(one: readonly Entry[], other: readonly Entry[]): readonly Entry[] {
  const others = new Map(other.map((entry) => [`${entry.start} ${entry.key}`, entry]))
  const both = one.map((entry) => {
    const found = others.get(`${entry.start} ${entry.key}`)
    return found !== undefined && found.value === entry.value && found.end === entry.end
      ? entry
      : { ...entry, value: undefined }
  })
  const issued = new Set(one.map(({ key, start }) => `${start} ${key}`))
  const more = other
    .filter(({ key, start }) => !issued.has(`${start} ${key}`))
    .map((entry) => ({ ...entry, value: undefined }))
  return [...both, ...more].sort((first, second) => first.start - second.start)
}

/** The first way that fits refuses: `[pattern, what it holds]`. */
export function firstRefusal(
  value: string,
  rules: readonly (readonly [RegExp, string])[],
): { readonly refused: string } | undefined {
  const broken = rules.find(([pattern]) => pattern.test(value))
  return broken === undefined ? undefined : { refused: broken[1] }
}

/**
 * True where an unquoted value holds a blank or a line break beyond ASCII (U+00A0, U+2028, …):
 * readers differ about those, and so nothing is said about such a value.
 */
export function hasOddBlank(value: string): boolean {
  return /\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80|\xef\xbb\xbf/.test(
    value,
  )
}

/** The line on which an offset lies, from 1. */
export function lineAt(text: string, at: number): number {
  return text.slice(0, at).split("\n").length
}

export function unreadable(text: string, at: number, message: string): AppError {
  return new AppError("output-unreadable", `line ${lineAt(text, at)}: ${message}`, {
    hint: "its reader would refuse the file too: correct that line, or name the right reader with for:",
  })
}

/** Walks over a text by sticky patterns. */
export class Cursor {
  readonly text: string
  at: number
  constructor(text: string, at = 0) {
    this.text = text
    this.at = at
  }
  get done(): boolean {
    return this.at >= this.text.length
  }
  get next(): string {
    return this.text.charAt(this.at)
  }
  /** Goes past the pattern (which must be sticky), if it stands here. */
  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at
    const match = pattern.exec(this.text)
    if (match === null) return undefined
    this.at = pattern.lastIndex
    return match
  }
}
