import { mayHoldTooMuch, tooMuchAt } from "./too-much.ts"

/**
 * The plain part of YAML, which nearly every config keeps to. The runtime's own parser reads it a
 * hundred times faster than
 * the one that remembers places, and reads it alike (test/config/plain-yaml.test.ts). Anything else
 * is left to the other one,
 * so undefined: anchors, tags, block texts, texts of several lines, odd signs, and a key that
 * stands twice, of which this parser
 * would tell nothing.
 */
export function readPlainYaml(text: string): { readonly value: unknown } | undefined {
  if (odd.test(text) || text.includes("__proto__")) return undefined
  // What is nested too deeply is not plain, either.
  if (mayHoldTooMuch(text) && tooMuchAt(text) !== undefined) return undefined
  const keys = new Recogniser(text).keys()
  if (keys === undefined) return undefined
  try {
    const value: unknown = Bun.YAML.parse(text)
    return keysOf(value) === keys ? { value } : undefined
  } catch {
    return undefined
  }
}

/**
 * Tabs, ends of lines that not everyone knows, byte order marks, blanks besides the blank, signs of
 * two units.
 */
const odd = /[^\n -~\u00a1-\u167f\u1681-\u1fff\u2010-\u2027\u2030-\u205e\u2070-\u2fff\u3001-\ud7ff]/

/**
 * The keys in it, of which one that stood twice is there once; undefined where a number is none.
 */
function keysOf(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? 0 : undefined
  if (typeof value !== "object" || value === null) return 0
  const inside: readonly unknown[] = Array.isArray(value) ? value : Object.values(value)
  let count = Array.isArray(value) ? 0 : inside.length
  for (const one of inside) {
    const more = keysOf(one)
    if (more === undefined) return undefined
    count += more
  }
  return count
}

/**
 * At most this many levels by indentation, and as many by brackets: deeper is for the parser that knows what
 * to say of it.
 */
const deepest = 15

/**
 * Each matches where the reading stands. Texts in quotes end on their line; a key is a word, or
 * stands in quotes.
 */
const tokens = {
  blankLine: / *(?:#[^\n]*)?(?:\n|$)/y,
  lineEnd: / *(?:\n|$)| +#[^\n]*(?:\n|$)/y,
  blanks: / */y,
  // Between brackets a line may end anywhere.
  gap: /(?: *(?:(?<=[ \n])#[^\n]*)?\n)* */y,
  dash: /- +(?=[^ \n#])/y,
  // Where a word for true, false or nothing is the key, the two do not write it alike.
  key: /(?:(?!(?:true|True|TRUE|false|False|FALSE|null|Null|NULL) *:)[A-Za-z_][\w.-]*|"(?:[^"\\\n]|\\["\\nrt/])*"|'(?:[^'\n]|'')*') *:(?= |\n|$)/y,
  quoted: /"(?:[^"\\\n]|\\["\\nrt/])*"|'(?:[^'\n]|'')*'/y,
  // Begins with a sign that means nothing, and is no number but a short decimal one; ends at a
  // comment, or where a colon
  // would make it a key.
  text: /(?!0[xo]|[\d.]{16})[\w./$~](?:[^\n :]| +(?=[^ \n#])|:(?=[^ \n]))*/y,
  textInBrackets:
    /(?!0[xo]|[\d.]{16})[\w./$~](?:[^\n :,[\]{}]| +(?=[^ \n#,[\]{}])|:(?=[^ \n,[\]{}]))*/y,
} as const

type Level = { readonly column: number; readonly kind: "map" | "list" }

/** Follows the text, knows what each line stands in, and counts the keys. */
class Recogniser {
  readonly #text: string
  /** What the next line may go on with, the innermost last. */
  readonly #levels: Level[] = []
  #at = 0
  #keys = 0

  constructor(text: string) {
    this.#text = text
  }

  /** undefined: the text is not plain. */
  keys(): number | undefined {
    // Does the value of the last key come below it?
    let open = true
    while (this.#at < this.#text.length) {
      if (this.#skip("blankLine")) continue
      const found = this.#line(open)
      if (found === "odd") return undefined
      open = found === "open"
    }
    return this.#keys
  }

  #line(open: boolean): "open" | "closed" | "odd" {
    const start = this.#at
    let fresh = open
    let dashes = 0
    this.#skip("blanks")
    for (let column = this.#at - start; this.#skip("dash"); column = this.#at - start) {
      if (!this.#enter({ column, kind: "list" }, fresh)) return "odd"
      fresh = true
      dashes++
    }
    const column = this.#at - start
    if (this.#skip("key")) {
      if (!this.#enter({ column, kind: "map" }, fresh)) return "odd"
      this.#keys++
      if (this.#skip("lineEnd")) return "open"
      this.#skip("blanks")
    } else if (dashes === 0 && !(open && this.#isAllInBrackets())) return "odd"
    return this.#value("text", 0) && this.#skip("lineEnd") ? "closed" : "odd"
  }

  /** JSON, say: nothing stands around it, and nothing may follow. */
  #isAllInBrackets(): boolean {
    return this.#levels.length === 0 && /[{[]/.test(this.#text[this.#at] ?? "")
  }

  /**
   * Goes to the level that this line, or this part of it, belongs to. `fresh`: a new one may begin.
   */
  #enter(level: Level, fresh: boolean): boolean {
    let top = this.#levels.at(-1)
    const before = top
    while (top !== undefined && top.column > level.column) {
      this.#levels.pop()
      top = this.#levels.at(-1)
    }
    const begins = fresh && top === before && this.#levels.length < deepest
    if (top !== undefined && top.column === level.column) {
      if (top.kind === level.kind) return true
      if (level.kind === "map") {
        // A list may stand in the column of its key, and ends with the next key there.
        this.#levels.pop()
        top = this.#levels.at(-1)
        return top?.column === level.column && top.kind === "map"
      }
    }
    if (begins) this.#levels.push(level)
    return begins
  }

  #value(text: "text" | "textInBrackets", depth: number): boolean {
    const sign = this.#text[this.#at]
    if (sign === "{") return depth < deepest && this.#inBrackets("}", depth)
    if (sign === "[") return depth < deepest && this.#inBrackets("]", depth)
    return this.#skip("quoted") || this.#skip(text)
  }

  #inBrackets(end: "}" | "]", depth: number): boolean {
    this.#at++
    if (!this.#gap()) return false
    while (this.#text[this.#at] !== end) {
      if (end === "}") {
        if (!this.#skip("key")) return false
        this.#keys++
        this.#skip("blanks")
      }
      if (!this.#value("textInBrackets", depth + 1) || !this.#gap()) return false
      if (this.#text[this.#at] !== ",") break
      this.#at++
      if (!this.#gap()) return false
    }
    if (this.#text[this.#at] !== end) return false
    this.#at++
    return true
  }

  /** What goes on in another line stands deeper than the key, or the dash, that it belongs to. */
  #gap(): boolean {
    const from = this.#at
    this.#skip("gap")
    const between = this.#text.slice(from, this.#at)
    const lineEnd = between.lastIndexOf("\n")
    return lineEnd < 0 || between.length - 1 - lineEnd > (this.#levels.at(-1)?.column ?? -1)
  }

  #skip(token: keyof typeof tokens): boolean {
    const pattern = tokens[token]
    pattern.lastIndex = this.#at
    if (!pattern.test(this.#text)) return false
    this.#at = pattern.lastIndex
    return true
  }
}
