import type { Terminal } from "./command.ts"

/** Asks on the terminal; anything but y or yes is no, and so is a stdin that is no terminal. */
export async function yesOrNo(terminal: Terminal, question: string): Promise<boolean> {
  const { stdin } = process
  if (!stdin.isTTY) return false
  terminal.stderr(`${question} [y/N]`)
  return new Promise((resolve) => {
    const end = (answer: boolean): void => {
      stdin.off("data", hear)
      terminal.stop.removeEventListener("abort", stopped)
      stdin.pause()
      stdin.unref()
      resolve(answer)
    }
    const hear = (chunk: Buffer): void => end(/^y(es)?$/i.test(chunk.toString().trim()))
    const stopped = (): void => end(false)
    terminal.stop.addEventListener("abort", stopped)
    stdin.ref()
    stdin.resume()
    stdin.on("data", hear)
  })
}
