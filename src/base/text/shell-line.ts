/**
 * The simple commands of a shell text, each as its words: enough to see which files it names, not
 * to run it. What a variable or a pattern stands for is not known; its word stays as it is written.
 */
export function commandsIn(text: string): readonly (readonly string[])[] {
  const found: string[][] = []
  const read = new Reader(text, (words) => found.push(words))
  read.all()
  return found
}

/** Words that stand before a command and are none. */
const reserved = new Set("if then else elif fi while until do done esac ! { } time".split(" "))
const separators = ";&|\n()`"

class Reader {
  readonly #text: string
  readonly #take: (words: string[]) => void
  #at = 0
  #words: string[] = []
  #word: string | undefined
  /** The next word is a file that is read from or written to. */
  #isTarget = false
  #isInput = false
  #input: string | undefined

  constructor(text: string, take: (words: string[]) => void) {
    this.#text = text
    this.#take = take
  }

  all(): void {
    while (this.#at < this.#text.length) this.#step(this.#text[this.#at++] ?? "")
    this.#endCommand()
  }

  #step(char: string): void {
    if (char === "'") this.#quoted("'")
    else if (char === '"') this.#quoted('"')
    else if (char === "\\") this.#escaped()
    else if (char === "$" && this.#text[this.#at] === "(") this.#endCommand()
    else if (separators.includes(char)) this.#endCommand()
    else if (char === " " || char === "\t") this.#endWord()
    else if (char === "<" || char === ">") this.#redirect()
    else if (char === "#" && this.#word === undefined) this.#skipLine()
    else this.#add(char)
  }

  #add(text: string): void {
    this.#word = (this.#word ?? "") + text
  }

  #escaped(): void {
    const next = this.#text[this.#at++] ?? ""
    if (next !== "\n") this.#add(next)
  }

  /** What is substituted between double quotes is commands of its own. */
  #quoted(quote: string): void {
    const start = this.#at
    let value = ""
    for (;;) {
      const char = this.#text[this.#at++]
      if (char === undefined || char === quote) break
      value += quote === '"' && char === "\\" ? (this.#text[this.#at++] ?? "") : char
    }
    this.#add(value)
    if (quote === "'") return
    const inside = this.#text.slice(start, this.#at - 1)
    const from = /\$\(|`/.exec(inside)
    if (from !== null)
      for (const words of commandsIn(inside.slice(from.index + 1))) this.#take([...words])
  }

  #redirect(): void {
    if (this.#word !== undefined && /^\d+$/.test(this.#word)) this.#word = undefined
    this.#endWord()
    const start = this.#at - 1
    while ("<>&|-".includes(this.#text[this.#at] ?? " ")) this.#at++
    const sign = this.#text.slice(start, this.#at)
    this.#isInput = sign === "<"
    // "2>&-" closes, and names no file.
    this.#isTarget = !sign.endsWith("&-")
  }

  #skipLine(): void {
    while (this.#at < this.#text.length && this.#text[this.#at] !== "\n") this.#at++
  }

  #endWord(): void {
    const word = this.#word
    this.#word = undefined
    if (word === undefined) return
    if (this.#isTarget) {
      this.#isTarget = false
      if (this.#isInput) this.#input = word
    } else if (this.#words.length > 0 || !isBefore(word)) this.#words.push(word)
  }

  #endCommand(): void {
    this.#endWord()
    this.#isTarget = false
    if (this.#words.length > 0) this.#take(this.#words)
    // A shell runs what it reads.
    if (this.#input !== undefined && isShell(this.#words[0])) this.#take([".", this.#input])
    this.#input = undefined
    this.#words = []
  }
}

function isShell(program = ""): boolean {
  return /(^|\/)(ba|da|a|k|mk|z)?sh$/.test(program)
}

/** What variables are set to in it, wherever: "BASH_ENV=/srv/x". */
export function assignmentsIn(text: string): readonly string[] {
  return [...text.matchAll(/(?:^|[\s;&|(])([A-Za-z_]\w*=(?:"[^"]*"|'[^']*'|[^\s;&|)]+))/g)].map(
    ([, found = ""]) => found.replaceAll(/["']/g, ""),
  )
}

function isBefore(word: string): boolean {
  return reserved.has(word) || isAssignment(word)
}

/** NAME=VALUE. */
export function isAssignment(word: string): boolean {
  return /^[A-Za-z_]\w*\+?=/.test(word)
}
