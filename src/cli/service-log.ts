import { present } from "../base/present.ts"
import type { Terminal } from "./command.ts"

/** One event of the service: what happened, and its fields. */
export type Say = (
  level: "info" | "warning" | "error",
  message: string,
  fields: Readonly<Record<string, string | number>>,
) => void

/** Events, not prose: one line each; JSON if asked. Never a value. */
export function logger(terminal: Terminal, json: boolean): Say {
  return (level, message, fields) => {
    const at = terminal.host.now().toISOString()
    // The line's own `message` names the event: what is said of it has another key.
    const { message: says, ...others } = fields
    const all = { ...others, ...present({ says }) }
    const own = { at, level, message }
    // First, and never overwritten.
    if (json) terminal.stdout(JSON.stringify({ ...own, ...all, ...own }))
    else terminal.stderr(`${at} ${level.padEnd(7)} ${message}${fieldsOf(all)}`)
  }
}

function fieldsOf(fields: Readonly<Record<string, string | number>>): string {
  return Object.entries(fields)
    .map(([key, value]) => ` ${key}=${needsQuotes(value) ? JSON.stringify(value) : value}`)
    .join("")
}

function needsQuotes(value: string | number): boolean {
  return typeof value === "string" && /[\s="]/.test(value)
}
