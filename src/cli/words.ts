/** "1 secret", "2 secrets". */
export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`
}

/** What is said of something, if there is something. */
export function sayIf(text: string | undefined, say: (text: string) => string): string {
  return text === undefined ? "" : say(text)
}

/** What is said of a list, if it holds anything. */
export function sayList(list: readonly string[], say: (names: string) => string): string {
  return list.length === 0 ? "" : say(list.join(", "))
}

export function hintLines(text: string | undefined): readonly string[] {
  return text === undefined ? [] : [`  hint: ${text}`]
}

/** A program that did not become healthy with a value that is current all the same. */
export const unhealthyHint =
  "the program may be down: look at its log, and restart it so that it reads its files again; " +
  "rotate-now on the secret then proves it healthy (mycelium explain promoted-unhealthy)"
