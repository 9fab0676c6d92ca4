import { readFileSync } from "node:fs"
import type { App, Tell } from "../app/app.ts"
import { readIdentity } from "../app/identity.ts"
import { harden } from "../base/harden.ts"
import { Turns } from "../base/turns.ts"
import { refuseBrokenRandom } from "../check/randomness.ts"
import { partsOf } from "../config/model.ts"
import { checkTrust } from "../config/trust.ts"
import type { Actor } from "../core/audit-line.ts"
import { makeStateFolder } from "../record/state-file.ts"
import { openKeys } from "../record/vault.ts"
import { type Terminal, type Values, isSet } from "./command.ts"
import { openConfig, plugins } from "./open-config.ts"

export { openConfig }

/** All that a command which changes something needs: the config (trusted: it names hooks), and the keys. */
export async function openApp(terminal: Terminal, values: Values, command: string): Promise<App> {
  await refuseBrokenRandom(terminal.host.random)
  const config = await openConfig(terminal, values)
  for (const file of partsOf(config)) await checkTrust(file)
  await harden()
  const identity = await readIdentity(config, terminal.host)
  await makeStateFolder(config)
  const keys = await openKeys(config.store, identity, true)
  return {
    config,
    plugins,
    host: terminal.host,
    keys,
    actor: actorOf(terminal, command),
    holder: `mycelium ${command}, process ${terminal.pid}, since ${terminal.host.now().toISOString()}`,
    tell: isSet(values, "json") ? () => undefined : teller(terminal),
    turns: new Turns(config.perServer),
    stop: terminal.stop,
  }
}

function teller(terminal: Terminal): Tell {
  return (environment, step, says, secret) => terminal.talk(`${step.padEnd(9)} ${secret === undefined ? environment : `${environment}/${secret}`}  ${says}`)
}

/** Who acts: the login behind sudo, where there is one. */
function actorOf(terminal: Terminal, command: string): Actor {
  const { host } = terminal
  const user = host.env("SUDO_USER") ?? userName(terminal.uid)
  const unit = host.env("INVOCATION_ID") === undefined ? "" : " in a systemd unit"
  return { user: user.slice(0, 64), via: `mycelium ${command}, uid ${terminal.uid}${unit}` }
}

/** From the machine's own list: the runtime's answer comes from a variable that anyone can set. */
function userName(uid: number): string {
  try {
    const line = readFileSync("/etc/passwd", "utf8").split("\n").find((one) => one.split(":")[2] === String(uid))
    return line?.split(":")[0] ?? `uid ${uid}`
  } catch {
    return `uid ${uid}`
  }
}
