import { actorOf, readFile } from "../app/actor.ts"
import type { App, OnProgress } from "../app/app.ts"
import { readIdentity } from "../app/identity.ts"
import { refuseForeignStore } from "../app/trusted-store.ts"
import { harden } from "../base/system/harden.ts"
import { ActivityScope } from "../base/activity-scope.ts"
import { KeyedSemaphore } from "../base/semaphore.ts"
import { identityPath } from "../check/files.ts"
import { refuseBrokenRandom } from "../check/self-tests/randomness.ts"
import { trustOf } from "../config/trust.ts"
import { plugins } from "../plugins/index.ts"
import { makeStateFolder } from "../record/state-file.ts"
import { openKeys } from "../record/keys.ts"
import { type Terminal, type Values, isSet } from "./command.ts"
import { demandStore, openConfig } from "./open-config.ts"

export { openConfig }

/**
 * All that a command which changes something needs: the config (trusted: it names hooks), and the
 * keys. `trust`: also keys that this identity has never bound.
 */
export async function openApp(
  terminal: Terminal,
  values: Values,
  command: string,
  { trust = false }: { readonly trust?: boolean } = {},
): Promise<App> {
  await refuseBrokenRandom(terminal.host.random)
  const config = await openConfig(terminal, values)
  await trustOf(config)
  await demandStore(config)
  await harden()
  const identity = await readIdentity(config, terminal.host)
  await refuseForeignStore(config.store, identityPath(config, terminal.host))
  await makeStateFolder(config)
  const keys = await openKeys(config.store, identity, { make: true, trust })
  return {
    config,
    plugins,
    host: terminal.host,
    keys,
    actor: actorOf({ uid: terminal.uid, env: terminal.host.env, read: readFile }, command),
    holder: `mycelium ${command}, process ${terminal.pid}, since ${terminal.host.now().toISOString()}`,
    onProgress: isSet(values, "json") ? () => undefined : teller(terminal),
    notice: teller(terminal),
    turns: new KeyedSemaphore(config.perServer),
    activity: new ActivityScope(),
    stop: terminal.stop,
  }
}

function teller(terminal: Terminal): OnProgress {
  return (environment, step, message, secret) =>
    terminal.stderr(
      `${step.padEnd(9)} ${secret === undefined ? environment : `${environment}/${secret}`}  ${message}`,
    )
}
