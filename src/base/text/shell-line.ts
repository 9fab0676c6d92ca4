/** What a command is given to read, as far as the text names it. */
export type Given = { readonly files: readonly string[]; readonly texts: readonly string[] }
/** `given`: by its redirections, and by the commands before it in a pipe. */
export type SimpleCommand = { readonly words: readonly string[]; readonly given: Given }

/**
 * The simple commands of a shell text: enough to see which files it names, not to run it. What a
 * variable or a pattern stands for is not known; its word stays as it is written.
 */
export function commandsIn(text: string): readonly SimpleCommand[] {
  const found: SimpleCommand[] = []
  new Reader(text, (command) => found.push(command)).all()
  return found
}

/** Words that stand before a command and are none. */
const reserved = new Set("if then else elif fi while until do done esac ! { } time".split(" "))
const separators = ";&\n()`"
const nothing: Given = { files: [], texts: [] }

class Reader {
  readonly #text: string
  readonly #take: (command: SimpleCommand) => void
  #at = 0
  #words: string[] = []
  #word: string | undefined
  /** The next word is a file that is read from or written to, by the redirection `sign`. */
  #isTarget = false
  #sign = ""
  /** What the command is given. */
  #given = nothing
  /** What the last command passes on. */
  #passes = nothing
  /** The command that reads what is substituted next: `. <(…)`, or the shell for `$(…)`. */
  #reader: readonly string[] | undefined

  constructor(text: string, take: (command: SimpleCommand) => void) {
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
    else if (char === "`" || (char === "$" && this.#text[this.#at] === "(")) this.#substitute()
    else if (char === "|") this.#pipe()
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
    const begins = this.#word === undefined && this.#words.length === 0
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
    if (from === null) return
    for (const command of commandsIn(inside.slice(from.index + 1))) {
      this.#take(command)
      if (begins) this.#take({ words: ["sh"], given: passedBy(command.words, command.given) })
    }
  }

  /** Where a command begins, what it prints is run. */
  #substitute(): void {
    const begins = this.#word === undefined && this.#words.length === 0
    this.#endCommand()
    if (begins && this.#reader === undefined) this.#reader = ["sh"]
  }

  /** "||" is none. */
  #pipe(): void {
    const next = this.#text[this.#at]
    if (next === "|" || next === "&") this.#at++
    this.#endCommand({ isPiped: next !== "|" })
  }

  #redirect(): void {
    if (this.#word !== undefined && /^\d+$/.test(this.#word)) this.#word = undefined
    this.#endWord()
    const start = this.#at - 1
    while ("<>&|-".includes(this.#text[this.#at] ?? " ")) this.#at++
    this.#sign = this.#text.slice(start, this.#at)
    // "2>&-" closes, and names no file.
    this.#isTarget = !this.#sign.endsWith("&-")
    if (!this.#sign.endsWith("<") || this.#text[this.#at] !== "(") return
    const reader = this.#words
    this.#endCommand()
    this.#reader = reader
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
      const { files, texts } = this.#given
      if (this.#sign === "<") this.#given = { texts, files: [...files, word] }
      if (this.#sign === "<<<") this.#given = { files, texts: [...texts, word] }
    } else if (this.#words.length > 0 || !isBefore(word)) this.#words.push(word)
  }

  #endCommand({ isPiped = false } = {}): void {
    this.#endWord()
    this.#isTarget = false
    const [words, given] = [this.#words, this.#given]
    this.#words = []
    if (words.length > 0) {
      this.#take({ words, given })
      this.#passes = passedBy(words, given)
    }
    this.#given = isPiped ? this.#passes : nothing
    if (isPiped || words.length === 0 || this.#reader === undefined) return
    this.#take({ words: this.#reader, given: this.#passes })
    this.#reader = undefined
  }
}

/** Programs that print what is in the files that they are given. */
const passing = new Set(
  (
    "cat tac head tail sed grep cut tr sort uniq nl zcat xzcat bzcat gunzip base64 envsubst dd " +
    "jq gpg"
  ).split(" "),
)

/** What the output of a command may hold. */
function passedBy([program = "", ...rest]: readonly string[], given: Given): Given {
  const name = program.slice(program.lastIndexOf("/") + 1)
  const words = rest.filter((word) => !word.startsWith("-"))
  if (name === "echo" || name === "printf")
    return { files: given.files, texts: [...given.texts, words.join(" ")] }
  const files = words.filter((word) => passing.has(name) || word.includes("/"))
  return {
    files: [...given.files, ...files.map((word) => word.replace(/^if=/, ""))],
    texts: given.texts,
  }
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
