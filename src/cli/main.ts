import { AppError } from "../base/error.ts"
import {
  type Command,
  type Entry,
  type Options,
  type Terminal,
  type Values,
  commonOptions,
  parseArgsOptions,
} from "./command.ts"
import { exitCodes } from "./exit-codes.ts"
import { fail } from "./fail.ts"
import { readPlain } from "./plain-options.ts"
import { commandNames, findCommand, groups } from "./table.ts"
import { untilStopped } from "./until-stopped.ts"

/**
 * Words in, words out: finds the command, reads its options, runs it, says what went wrong. Returns
 * the exit code.
 */
export async function main(terminal: Terminal, argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv
  try {
    refuseSurroundings(terminal)
    if (name === undefined || name === "--help" || name === "-h")
      return await showOverview(terminal, name === undefined)
    if (name === "--version") return await main(terminal, ["version", ...rest])
    const entry = findCommand(name)
    if (entry === undefined) throw await unknown(name)
    const command = await entry.load()
    const at = command.passes === true ? rest.indexOf("--") : -1
    const { values, positionals } = await read(command, at === -1 ? rest : rest.slice(0, at))
    if (values["help"] === true) return await showUsage(terminal, entry)
    if (command.instant !== true) await terminal.begin?.()
    const run = (): Promise<number> =>
      command.run(terminal, positionals, values, at === -1 ? [] : rest.slice(at + 1))
    return command.looks === true
      ? await untilStopped(terminal.stop, " before it was done", run)
      : await run()
  } catch (error) {
    return await fail(terminal, error)
  }
}

async function read(
  command: Command,
  args: readonly string[],
): Promise<{ readonly values: Values; readonly positionals: readonly string[] }> {
  const options: Options = { ...command.options, ...commonOptions }
  const plain = readPlain(options, args)
  if (plain !== undefined) return plain
  const { parseArgs } = await import("node:util")
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: parseArgsOptions(options),
      allowPositionals: true,
      strict: true,
    })
    return { values: values as Values, positionals }
  } catch (error) {
    throw await unreadable(options, error)
  }
}

/** What is wrong with an option, by what the parser says; never its value. */
async function unreadable(options: Options, error: unknown): Promise<AppError> {
  const option = error instanceof Error ? /'(--?[\w-]+)/.exec(error.message)?.[1] : undefined
  const all = Object.keys(options).map((one) => `--${one}`)
  const hint = { hint: `options: ${all.join(" ")}` }
  if (option === undefined) return new AppError("usage", "these options cannot be read", hint)
  if (all.includes(option)) {
    const takes = options[option.slice("--".length)]?.type !== "boolean"
    return new AppError("usage", `${option} ${takes ? "needs a value" : "takes no value"}`, hint)
  }
  const { nearest } = await import("../config/nearest.ts")
  const near = nearest(option, all)
  const meant = near === undefined ? "" : ` (did you mean ${near}?)`
  return new AppError("usage", `unknown option ${option}${meant}`, hint)
}

async function unknown(name: string): Promise<AppError> {
  const { nearest } = await import("../config/nearest.ts")
  const longer = commandNames().filter((one) => one.startsWith(`${name}-`))
  const near = longer.length === 1 ? longer[0] : nearest(name, commandNames())
  return new AppError("usage", `there is no command ${JSON.stringify(name.slice(0, 40))}`, {
    hint: near === undefined ? "see mycelium --help" : `did you mean ${near}?`,
  })
}

/** `isMistake`: no command was given, so the overview goes to stderr, with the code for wrong usage. */
async function showOverview(terminal: Terminal, isMistake: boolean): Promise<number> {
  const { linesOfOverview } = await import("./help/overview.ts")
  const text = linesOfOverview(groups, terminal.columns?.()).join("\n")
  if (isMistake) terminal.stderr(text)
  else terminal.stdout(text)
  return isMistake ? exitCodes.usage : exitCodes.done
}

async function showUsage(terminal: Terminal, entry: Entry): Promise<number> {
  const { linesOfCommand } = await import("./help/overview.ts")
  terminal.stdout((await linesOfCommand(entry, terminal.columns?.())).join("\n"))
  return exitCodes.done
}

/**
 * Variables that the runtime obeys: there are a hundred, which run code, trace, print, write files,
 * or accept any certificate. Those of Bun's installer (BUN_INSTALL…) are harmless and common.
 */
const forbidden = /^(BUN_(?!INSTALL)|JSC_|MIMALLOC_|NODE_TLS_REJECT_UNAUTHORIZED$)/

/** All names in one test: a loop over them would be the first that the runtime compiles at a start. */
const maybeForbidden = /^(BUN_|JSC_|MIMALLOC_|NODE_TLS_)/m

function refuseSurroundings(terminal: Terminal): void {
  if (!maybeForbidden.test(terminal.variables.join("\n"))) return
  const found = terminal.variables.find((name) => forbidden.test(name))
  if (found !== undefined)
    throw new AppError(
      "usage",
      `the variable ${found} is set: it would change how this program runs`,
      { hint: `unset ${found} and start again: env -u ${found} mycelium …` },
    )
}
