/**
 * stdout or stderr without Node's streams, which take longer to load than `version` takes in all.
 * The sink beneath is the same: it never waits for a slow reader, keeps what was not read yet, and
 * keeps the process alive until it is. A reader that goes away (`mycelium status | head`) ends the
 * output, not the work.
 */
export class Writer {
  readonly #file: Bun.BunFile
  #sink: Bun.FileSink | undefined
  #gone = false

  constructor(file: Bun.BunFile) {
    this.#file = file
  }

  write(text: string): void {
    if (this.#gone) return
    try {
      this.#sink ??= this.#file.writer()
      this.#unlessGone(this.#sink.write(text))
      this.#unlessGone(this.#sink.flush())
    } catch {
      this.#gone = true
    }
  }

  /** Resolves when all that was written has left, or the reader has gone away. */
  async drain(): Promise<void> {
    if (this.#gone) return
    try {
      await this.#sink?.flush()
    } catch {
      this.#gone = true
    }
  }

  #unlessGone(written: number | Promise<number>): void {
    if (typeof written === "number") return
    written.catch(() => {
      this.#gone = true
    })
  }
}
