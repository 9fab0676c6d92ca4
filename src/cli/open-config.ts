import { AppError } from "../base/error.ts"
import { MountGate, answerMs } from "../base/files/mount-gate.ts"
import type { ParseSchedule, Plugins, PluginsFor } from "../config/context.ts"
import { findConfig } from "../config/find.ts"
import { loadConfig } from "../config/load.ts"
import type { Config } from "../config/model.ts"
import { trustOf } from "../config/trust.ts"
import { pluginsNamedIn } from "../plugins/named.ts"
import { type Terminal, type Values, textOf } from "./command.ts"

/**
 * Apart from open-app.ts, which also loads the cryptography and every plug-in: a command that only
 * reads need not wait for them.
 */

/**
 * A look at a store whose file system hangs would never end, nor could the process be ended then.
 * `check` tells it as a finding.
 */
export async function demandStore(
  { store }: Pick<Config, "store">,
  gate = new MountGate(),
): Promise<void> {
  const mount = await gate.silentMountOf(store)
  if (mount === undefined) return
  throw new AppError(
    "place-silent",
    `the file system of the store, ${store}, gives no answer within ${answerMs / 1000} s, ` +
      "or says that its server is gone",
    {
      remedy: "retry",
      hint:
        `grep ' ${mount} ' /proc/mounts shows what serves it (FUSE or another machine): ` +
        `start that again, or unmount it (umount -l ${mount})`,
    },
  )
}

/** The config that this command line means. */
export async function openConfig(
  terminal: Terminal,
  values: Values,
  parseSchedule?: ParseSchedule,
): Promise<Config> {
  return (await openNamed(terminal, values, parseSchedule)).config
}

/**
 * For a command that only reads, and so runs nothing that the config names: if others can change the
 * config, it warns and goes on.
 */
export async function openToLook(
  terminal: Terminal,
  values: Values,
): Promise<{ readonly config: Config; readonly plugins: Plugins }> {
  const opened = await openNamed(terminal, values)
  await demandStore(opened.config)
  await warnOfWriters(terminal, opened.config)
  return opened
}

async function warnOfWriters(terminal: Terminal, config: Config): Promise<void> {
  try {
    for (const { message, remedy } of await trustOf(config))
      sayWarning(terminal, message, remedy === undefined ? undefined : `to change that: ${remedy}`)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    sayWarning(
      terminal,
      `${error.message}: commands that rotate, render or run programs refuse this config (${error.code})`,
      error.hint,
    )
  }
}

function sayWarning(terminal: Terminal, message: string, hint: string | undefined): void {
  terminal.stderr(`mycelium: warning: ${message}`)
  if (hint !== undefined) terminal.stderr(`  hint: ${hint}`)
}

/** And the plug-ins that it names, at least. */
export async function openNamed(
  terminal: Terminal,
  values: Values,
  parseSchedule?: ParseSchedule,
): Promise<{ readonly config: Config; readonly plugins: Plugins }> {
  const env = (name: string): string | undefined => terminal.host.env(name)
  const file = await findConfig(textOf(values, "config"), terminal.cwd, env)
  let plugins: Plugins | undefined
  const load: PluginsFor = async (text) =>
    (plugins = text === undefined ? await everyPlugin() : await pluginsNamedIn(text))
  const config = await loadConfig(file, load, {
    env,
    parseSchedule: parseSchedule ?? (await import("../plan/schedule.ts")).parseSchedule,
  })
  return { config, plugins: plugins ?? (await everyPlugin()) }
}

/** Also those that only a state names. */
export async function everyPlugin(): Promise<Plugins> {
  return (await import("../plugins/index.ts")).plugins
}
