import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { AppError } from "../base/error.ts"
import type { Outputs } from "./self-tests/outputs.ts"
import type { Environment } from "./self-tests/state.ts"
import type { Config } from "../config/model.ts"
import type { AuditTail, StateDocument } from "../core/state.ts"
import { auditPath } from "../record/audit-log.ts"
import { behindItsLog } from "../record/behind.ts"
import { FileLedger, loadUnlocked } from "../record/ledger.ts"
import { verifyLog } from "../record/audit-verify.ts"
import { type StateKey, readState } from "../record/state-file.ts"
import { lookSteadily } from "../record/steady-look.ts"
import { AgeVault } from "../record/vault.ts"
import { type Keys, openKeys } from "../record/keys.ts"
import { MountGate } from "../base/files/mount-gate.ts"
import type { Checked, How } from "./request.ts"
import { readIdentity } from "../app/identity.ts"
import { bounded } from "../deliver/bounded.ts"
import { openOutput } from "../app/open-plugins.ts"
import { tells } from "../app/tells.ts"

/**
 * The keys of the store; `closed`: why they cannot be opened; neither: nothing was ever sealed
 * here.
 */
export async function openedKeys(
  { config, host }: Checked,
  environments: readonly Environment[],
): Promise<{ readonly keys: Keys } | { readonly closed: unknown } | { readonly nothing: true }> {
  try {
    return { keys: await openKeys(config.store, await readIdentity(config, host)) }
  } catch (error) {
    const isNew =
      error instanceof AppError &&
      error.code === "keys-missing" &&
      environments.every(({ document }) => document === undefined)
    return isNew ? { nothing: true } : { closed: error }
  }
}

export function verifiers(
  { config: { store, project }, host, stop }: Checked,
  keys: Keys,
  environments: readonly Environment[],
): Readonly<Record<string, () => Promise<void>>> {
  const known = environments.filter(
    ({ name, document }) =>
      document !== undefined || existsSync(auditPath({ store, project, environment: name })),
  )
  return Object.fromEntries(
    known.map(({ name }) => [
      name,
      async () => {
        const place = { store, project, environment: name }
        await loadUnlocked(new FileLedger(place, keys.mac, () => ""), place, { host, stop })
        await followChain(place, { host, stop })
      },
    ]),
  )
}

/**
 * The log by its chain, up to what the state knows. Beside an act that is under way: what seems
 * broken is looked at again.
 */
async function followChain(
  place: StateKey,
  { host, stop }: Pick<Checked, "host" | "stop">,
): Promise<void> {
  const serial = async (): Promise<number | undefined> => (await readState(place))?.serial
  const known = async (): Promise<AuditTail | undefined> => (await readState(place))?.audit
  const {
    faults: [fault, ...more],
  } = await lookSteadily({ host, stop, environment: place.environment, serial }, async () => {
    const value = await verifyLog(place, await known(), new Map(), known)
    return { value, doubt: value.faults.length === 0 ? undefined : JSON.stringify(value.faults) }
  })
  if (fault === undefined) return
  throw new AppError(
    "log-broken",
    "the audit log does not follow from its beginning to what the state knows: " +
      `${fault}${more.length === 0 ? "" : ` (and ${more.length} more)`}`,
    {
      hint:
        "mycelium audit verify says all; hold it against heads that left the machine, " +
        "and find out who can write in the store",
    },
  )
}

export async function shownBy(
  checked: Checked,
  keys: Keys,
  environments: readonly Environment[],
  { connect }: Pick<How, "connect">,
): Promise<Outputs> {
  const shown = environments.flatMap(({ name, document }) => {
    const options = checked.config.environments[name]
    if (document === undefined || options === undefined) return []
    const { store, project } = checked.config
    const reread = (): Promise<StateDocument | undefined> =>
      readState({ store, project, environment: name })
    const isBehind = once(async () => {
      const place = { store, project, environment: name }
      return (await behindItsLog(place, document).catch(() => undefined)) !== undefined
    })
    // A manager is asked, as a service is, only where that is asked for.
    const looked = options.outputs.filter(
      ({ target, entry }) => checked.silent?.has(target) !== true && (connect || entry !== true),
    )
    return looked.map((output) => ({
      environment: name,
      output: bounded(openOutput(checked, options, output), checked.stop),
      tells: (secret: string) => tells(output.options, secret),
      document,
      reread,
      isBehind,
    }))
  })
  return {
    shown,
    gone: await leftFiles(checked, environments),
    fingerprint: (value) =>
      new AgeVault(keys, { project: checked.config.project, environment: "" }).fingerprint(
        Buffer.from(value),
      ),
  }
}

function once<Answer>(ask: () => Promise<Answer>): () => Promise<Answer> {
  let asked: Promise<Answer> | undefined
  return () => (asked ??= ask())
}

/**
 * Files that we wrote for an output that the config has no more. Nothing is said of one whose file
 * system gives no answer: whether it is there cannot be known.
 */
async function leftFiles(
  { config, gate = new MountGate() }: Checked,
  environments: readonly Environment[],
): Promise<Outputs["gone"]> {
  const former = environments.flatMap(({ name, document }) => {
    const targets = new Set(config.environments[name]?.outputs.map(({ target }) => target))
    return Object.keys(document?.written ?? {})
      .filter((target) => !targets.has(target))
      .map((target) => ({ environment: name, target }))
  })
  const there = await Promise.all(
    former.map(async (one) => {
      const mount = await gate.silentMountOf(one.target)
      return mount === undefined && existsSync(one.target) ? [one] : []
    }),
  )
  return there.flat()
}

/** Every state in the store that can be read, other projects' too. */
export async function allStates(
  { store, project }: Config,
  environments: readonly Environment[],
): Promise<readonly StateDocument[]> {
  const own = environments.flatMap(({ document }) => document ?? [])
  const others = list(join(store, "secrets")).flatMap((name) =>
    list(join(store, "secrets", name)).flatMap((file) =>
      /^[^.].*\.json$/.test(file)
        ? [{ store, project: name, environment: file.slice(0, -".json".length) }]
        : [],
    ),
  )
  const strange = others.filter(
    (place) =>
      place.project !== project || environments.every(({ name }) => name !== place.environment),
  )
  const found = await Promise.all(strange.map((place) => readState(place).catch(() => undefined)))
  return [...own, ...found.filter((document) => document !== undefined)]
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
