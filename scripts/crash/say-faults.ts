import type { Fault } from "./judge.ts"

/** For the error of a test, of which the last lines of a run show the beginning: how to see it again, then the first faults. */

export type Placed = Fault & { readonly at: string }

const shown = 3
const columns = 140
/** Of a message: what a program printed may be long, and says why it failed at its end. */
const [head, tail] = [260, 260]

export function throwFaults(reproduce: string, faults: readonly Placed[]): void {
  if (faults.length === 0) return
  const lines = faults.slice(0, shown).flatMap(linesOf)
  const rest = faults.length > shown ? [`and ${faults.length - shown} more`] : []
  throw new Error([`${faults.length} faults: ${reproduce}`, ...lines, ...rest].join("\n"))
}

function linesOf({ kind, message, at }: Placed): readonly string[] {
  const text = message.replaceAll(/\s+/g, " ").trim()
  const short = text.length > head + tail ? `${text.slice(0, head)} … ${text.slice(-tail)}` : text
  return wrap(`- ${kind}, ${at}: ${short}`)
}

function wrap(text: string): readonly string[] {
  const lines: string[] = []
  for (let from = 0; from < text.length; from += columns)
    lines.push(text.slice(from, from + columns))
  return lines
}
