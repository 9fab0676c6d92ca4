import type { ParseArgsConfig } from "node:util"
import { present } from "../base/present.ts"
import type { Host } from "../base/system/host.ts"

/** How a command reads its options: the type for node's parseArgs, and what `--help` says. */
export type Option = {
  readonly type: "string" | "boolean"
  readonly short?: string
  readonly value?: string
  readonly summary: string
  readonly multiple?: boolean
}
export type Options = Readonly<Record<string, Option>>
export type Values = Readonly<Record<string, string | boolean | readonly string[] | undefined>>

/** Where a command reads and writes: data to `stdout`, messages to `stderr`. */
export type Terminal = {
  readonly host: Host
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  /** Whether a person reads the messages on a terminal. */
  readonly interactive: () => boolean
  /** The width of the terminal of `stdout`; undefined if that is no terminal. */
  readonly columns?: () => number | undefined
  /** The names of all variables of the environment. */
  readonly variables: readonly string[]
  readonly cwd: string
  readonly pid: number
  readonly uid: number
  /** Aborts on SIGTERM or SIGINT. */
  readonly stop: AbortSignal
  /** Calls `act` at each SIGHUP. */
  readonly onReload: (act: () => void) => void
  /** Awaited before a command that is not `instant`: only such a command pays for its signals. */
  readonly begin?: () => Promise<void>
  /**
   * Replaces this process by a program, with these variables over the caller's own; returns only by
   * a throw. Left out if mycelium is no process of its own (in tests).
   */
  readonly execReplace?: (
    argv: readonly string[],
    variables: Readonly<Record<string, string>>,
  ) => Promise<never>
}

export type Command = {
  readonly usage: string
  readonly options: Options
  /** What follows `--` is passed on as `after`, unread. */
  readonly passes?: true
  /** It only reads, so it ends at once when it is asked to stop. */
  readonly looks?: true
  /** It needs nothing of the machine, and is over at once. */
  readonly instant?: true
  /** Returns the exit code. */
  run(
    terminal: Terminal,
    args: readonly string[],
    values: Values,
    after?: readonly string[],
  ): Promise<number>
}

/** A command in the table; what it needs is loaded when it is called. */
export type Entry = {
  readonly name: string
  readonly args: string
  readonly summary: string
  readonly load: () => Promise<Command>
}
export type Group = { readonly title: string; readonly commands: readonly Entry[] }

/** Options that every command has. */
export const commonOptions: Options = {
  config: {
    type: "string",
    value: "FILE",
    summary: "the config; else $MYCELIUM_CONFIG, ./mycelium.yaml, /etc/mycelium/mycelium.yaml",
  },
  json: { type: "boolean", summary: "one JSON document on stdout instead of text" },
  help: { type: "boolean", short: "h", summary: "this text" },
}

export function parseArgsOptions(options: Options): NonNullable<ParseArgsConfig["options"]> {
  return Object.fromEntries(
    Object.entries(options).map(([name, { type, short, multiple }]) => [
      name,
      {
        type,
        ...present({ short, multiple }),
      },
    ]),
  )
}

export function textOf(values: Values, name: string): string | undefined {
  const value = values[name]
  return typeof value === "string" ? value : undefined
}
/** Of an option that may be given several times. */
export function textsOf(values: Values, name: string): readonly string[] {
  const value = values[name]
  return Array.isArray(value) ? value.map(String) : []
}
/** For a command that is shown to a person: the words by which it finds the same config. */
export function configWords(values: Values): readonly string[] {
  const file = textOf(values, "config")
  return file === undefined ? [] : ["--config", file]
}

export function isSet(values: Values, name: string): boolean {
  return values[name] === true
}
