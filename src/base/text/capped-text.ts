import type { Readable } from "node:stream"

/**
 * Reads a stream to its end and keeps its first `keep` bytes: a program that talks without end
 * neither blocks nor fills the memory.
 */
export class CappedText {
  readonly ended: Promise<void>
  readonly #stream: Readable
  readonly #chunks: Uint8Array[] = []
  #room: number

  constructor(stream: Readable, keep: number) {
    this.#stream = stream
    this.#room = keep
    stream.on("data", (chunk: Uint8Array) => this.#take(chunk))
    this.ended = new Promise((resolve) => {
      stream.once("end", resolve)
      stream.once("close", resolve)
      stream.once("error", () => resolve())
    })
  }

  /** What was kept so far; half a character at the cut becomes U+FFFD. */
  text(): string {
    return new TextDecoder().decode(Buffer.concat(this.#chunks))
  }

  /** Goes on draining, keeps nothing more, and does not keep this process alive. */
  forget(): void {
    this.#room = 0
    if ("unref" in this.#stream && typeof this.#stream.unref === "function") this.#stream.unref()
  }

  #take(chunk: Uint8Array): void {
    if (this.#room <= 0) return
    const part = chunk.subarray(0, this.#room)
    this.#chunks.push(part)
    this.#room -= part.length
  }
}
