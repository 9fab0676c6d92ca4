import { present } from "../base/present.ts"
import type { Host } from "../base/system/host.ts"
import type { Config } from "../config/model.ts"
import type { Finding } from "../core/ports.ts"
import { allOutputsOf, identityPath } from "./files.ts"
import { type MountGate, answerMs } from "../base/files/mount-gate.ts"
import { type Result, findingOf, runCheck } from "./self-tests/check.ts"
import { type SilentPath, fileSystems, silentFinding } from "./self-tests/file-systems.ts"

type Named = Pick<SilentPath, "path" | "what">

const place = { code: "place-silent", withinMs: answerMs, so: "it was not looked at" } as const

/** Why `one` cannot be looked at: its file system gives no answer, or could not be asked. */
async function silenceOf(one: Named, gate: MountGate): Promise<SilentPath | undefined> {
  try {
    const mount = await gate.silentMountOf(one.path)
    return mount === undefined ? undefined : { ...one, mount }
  } catch (error) {
    return { ...one, error }
  }
}

/** The same as a finding; for a file that a check looks at beside others. */
export async function silenceAt(one: Named, gate: MountGate): Promise<Finding | undefined> {
  const found = await silenceOf(one, gate)
  if (found === undefined) return undefined
  const { mount } = found
  return mount === undefined
    ? findingOf(found.error, `${one.path} (${one.what})`)
    : silentFinding({ ...found, mount }, place)
}

/** The store and the identity: without them nothing else can be looked at. */
export async function neededSilence(
  config: Config,
  host: Host,
  gate: MountGate,
): Promise<Result | undefined> {
  const identity = identityPath(config, host)
  const needed = [
    { path: config.store, what: "the store" },
    ...(identity === undefined ? [] : [{ path: identity, what: "the identity" }]),
  ]
  const asked = await Promise.all(needed.map((one) => silenceOf(one, gate)))
  const silent = asked.filter((one) => one !== undefined)
  return silent.length === 0
    ? undefined
    : runCheck(fileSystems, { ...place, silent, so: "nothing else was looked at" })
}

export type OutputSilence = {
  /** Targets of outputs of which a file cannot be looked at. */
  readonly silent: ReadonlySet<string>
  /** Left out if there is none. */
  readonly result?: Result
}

export async function outputSilence(config: Config, gate: MountGate): Promise<OutputSilence> {
  if (!gate.mayBeSilent) return { silent: new Set() }
  const asked = await Promise.all(
    allOutputsOf(config).map(async ({ target, files = [], environment }) => {
      const what = `an output of ${environment}`
      const all = await Promise.all(
        [...new Set([target, ...files])].map((path) => silenceOf({ path, what }, gate)),
      )
      const first = all.find((one) => one !== undefined)
      return first === undefined ? [] : [{ ...first, target }]
    }),
  )
  const silent = asked.flat()
  return {
    silent: new Set(silent.map(({ target }) => target)),
    ...present({
      result:
        silent.length === 0
          ? undefined
          : await runCheck(fileSystems, { ...place, code: "output-silent", silent }),
    }),
  }
}
