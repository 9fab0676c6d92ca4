import { present } from "../base/present.ts"
import { AppError } from "../base/error.ts"
import { type Terminal, type Values, isSet, textOf } from "./command.ts"

/** One event of the service: what happened, and its fields. */
export type Say = (
  level: "info" | "warning" | "error",
  message: string,
  fields: Readonly<Record<string, string | number>>,
) => void

export const logForms = ["text", "json", "journal"] as const
export type LogForm = (typeof logForms)[number]

/** How `--log` and `--json` say that the log is written. */
export function logFormOf(values: Values): LogForm {
  const named = textOf(values, "log")
  if (named === undefined) return isSet(values, "json") ? "json" : "text"
  const form = logForms.find((one) => one === named)
  if (form === undefined)
    throw new AppError("usage", "there is no such form of the log", {
      hint: `--log takes one of ${logForms.join(", ")}`,
    })
  return form
}

/** Events, not prose: one line each. Never a value. */
export function logger(terminal: Terminal, form: LogForm): Say {
  return (level, message, fields) => {
    const at = terminal.host.now().toISOString()
    // The line's own `message` names the event: what is said of it has another key.
    const { message: says, ...others } = fields
    const all = { ...others, ...present({ says }) }
    const own = { at, level, message }
    const words = `${message}${fieldsOf(all)}`
    // First, and never overwritten.
    if (form === "json") terminal.stdout(JSON.stringify({ ...own, ...all, ...own }))
    // The journal has a time of its own, and takes the priority from the front (sd-daemon(3)).
    else if (form === "journal") terminal.stderr(`<${priorities[level]}>${words}`)
    else terminal.stderr(`${at} ${level.padEnd(7)} ${words}`)
  }
}

/** As syslog(3) counts them. */
const priorities = { info: 6, warning: 4, error: 3 } as const

function fieldsOf(fields: Readonly<Record<string, string | number>>): string {
  return Object.entries(fields)
    .map(([key, value]) => ` ${key}=${needsQuotes(value) ? JSON.stringify(value) : value}`)
    .join("")
}

function needsQuotes(value: string | number): boolean {
  return typeof value === "string" && /[\s="]/.test(value)
}
