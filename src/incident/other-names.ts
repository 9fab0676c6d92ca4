/**
 * What else a leaked text gives away, if it is lines of NAME=value: names alone, never a value.
 */

const mostBytes = 256 * 1024
const line = /^\s*(?:export\s+)?([A-Z][A-Z0-9_]{0,63})=(.*)$/

/** Keeps the beginning of a text that another reads. */
export class TextCopy {
  readonly #parts: Uint8Array[] = []
  #size = 0

  async *follow(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    for await (const part of source) {
      this.#size += part.length
      if (this.#size <= mostBytes) this.#parts.push(Uint8Array.from(part))
      yield part
    }
  }

  /** undefined: it is longer than what is kept. */
  get text(): string | undefined {
    return this.#size <= mostBytes ? Buffer.concat(this.#parts).toString() : undefined
  }
}

/**
 * Names whose values hold none of `known`, as long as at least `shortest` characters; none where any
 * line is something else, for then it is not known what is a name.
 */
export function otherNames(
  text: string,
  known: readonly string[],
  shortest: number,
): readonly string[] {
  const lines = text.split(/\r?\n/).filter((one) => !/^\s*(#|$)/.test(one))
  const found = lines.map((one) => line.exec(one))
  if (found.some((one) => one === null)) return []
  const names = found.flatMap((one) => {
    const [, name = "", value = ""] = one ?? []
    const bare = value.trim().replace(/^(["'])(.*)\1$/, "$2")
    return bare.length < shortest || known.some((own) => value.includes(own)) ? [] : [name]
  })
  return [...new Set(names)]
}
