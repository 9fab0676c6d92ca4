import type { Fault } from "./judge.ts"

/**
 * For the error of a test: how to see it again, then the first fault. The last lines of a run show
 * twelve lines of it; all faults would hide why the first happened.
 */

export type Placed = {
  readonly kind: Fault["kind"] | "fault"
  readonly message: string
  readonly at: string
}

const columns = 140
/** Of a message: what a program printed may be long, and says why it failed at its end. */
const [head, tail] = [260, 260]

export function throwFaults(reproduce: string, faults: readonly Placed[]): void {
  const [first, ...rest] = faults
  if (first === undefined) return
  const kinds = [...new Set(rest.map(({ kind }) => kind))].join(", ")
  const more = rest.length === 0 ? [] : [`and ${rest.length} more: ${kinds}`]
  throw new Error([`${faults.length} faults: ${reproduce}`, ...linesOf(first), ...more].join("\n"))
}

function linesOf({ kind, message, at }: Placed): readonly string[] {
  const text = message.replaceAll(/\s+/g, " ").trim()
  const short = text.length > head + tail ? `${text.slice(0, head)} … ${text.slice(-tail)}` : text
  const line = `- ${kind}, ${at}: ${short}`
  const count = Math.ceil(line.length / columns)
  return Array.from({ length: count }, (_, index) =>
    line.slice(index * columns, (index + 1) * columns),
  )
}
