import { findConfig } from "../config/find.ts"
import type { ParseSchedule, Plugins } from "../config/context.ts"
import { loadConfig } from "../config/load.ts"
import type { Config } from "../config/model.ts"
import { drivers } from "../plugins/drivers/index.ts"
import { healths } from "../plugins/healths/index.ts"
import { outputs } from "../plugins/outputs/index.ts"
import { restarters } from "../plugins/restarters/index.ts"
import { type Terminal, type Values, textOf } from "./command.ts"

/** Apart from open-app.ts, which loads the cryptography too: what needs no key need not wait for it. */
export const plugins: Plugins = { drivers, outputs, restarters, healths }

/** The config that this command line means. */
export async function openConfig(
  terminal: Terminal,
  values: Values,
  parseSchedule?: ParseSchedule,
): Promise<Config> {
  const env = (name: string): string | undefined => terminal.host.env(name)
  const file = await findConfig(textOf(values, "config"), terminal.cwd, env)
  return loadConfig(file, plugins, {
    env,
    parseSchedule: parseSchedule ?? (await import("../plan/schedule.ts")).parseSchedule,
  })
}
