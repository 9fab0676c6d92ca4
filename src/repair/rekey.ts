import { AppError, describeError } from "../base/error.ts"
import { type HeldLock, takeLock } from "../base/files/lock.ts"
import { appendLine } from "../core/audit-line.ts"
import { opens, seal, sealedIn, unseal } from "../core/seal.ts"
import type { StateDocument } from "../core/state.ts"
import { FileLedger } from "../record/ledger.ts"
import { type StateKey, lockPath, readState } from "../record/state-file.ts"
import { withProject } from "../record/vault.ts"
import { type Keys, lockKeys, openKeys, resealKeys } from "../record/keys.ts"
import type { App } from "../app/app.ts"
import { lockedHint } from "../app/held.ts"
import { readIdentity } from "../app/identity.ts"
import { addIdentity, dropRetired } from "./new-identity.ts"
import { projectsIn, statesIn } from "./states-in.ts"
import { sendHead } from "../app/maintain-log.ts"

/**
 * Seals all that this project keeps for today's recipients. The identity's file comes first (it
 * opens everything at each
 * instant), then the store's keys, so that every other process notices before it takes a lock, then
 * one environment after the
 * other, each in one durable write under its lock. Cut off, the same command does it again. A
 * journal stays as it is, open.
 */

export type Sealed =
  | { readonly kind: "sealed"; readonly values: number }
  | {
      readonly kind: "failed"
      readonly code: string
      readonly message: string
      readonly hint?: string
    }
export type Rekeyed = {
  /** How many can open what was sealed. */
  readonly recipients: number
  readonly environments: Readonly<Record<string, Sealed>>
  /**
   * none: there was no old identity. gone: nothing in the store is sealed to it. needed: something
   * is, or could not be looked at.
   */
  readonly old: "none" | "gone" | "needed"
  /**
   * States of other projects in the store that hold values for the old identity alone; each needs a
   * rekey with its own config.
   */
  readonly others: readonly string[]
  /** Where copies of the old identity lie. */
  readonly copies: readonly string[]
}

/**
 * `trust`: a person says that keys which this identity has never bound are right; from now on they
 * are bound to it.
 */
export type RekeyOptions = { readonly newIdentity: boolean; readonly trust?: boolean }

export async function rekey(app: App, options: RekeyOptions): Promise<Rekeyed> {
  const lock = await lockKeys(app.config.store, app.holder)
  try {
    if (options.newIdentity) await addIdentity(app.config, app.host)
    // The file of the identity may be another one since the keys were opened.
    const keys = await openKeys(app.config.store, await readIdentity(app.config, app.host), {
      trust: options.trust === true,
    })
    return await sealAnew({ ...app, keys }, options.trust === true)
  } finally {
    lock.release()
  }
}

async function sealAnew(opened: App, trust: boolean): Promise<Rekeyed> {
  const { config } = opened
  const keys = await resealKeys(config.store, opened.keys)
  const app = { ...opened, keys }
  const environments: Record<string, Sealed> = {}
  for (const place of statesIn(config.store, config.project))
    environments[place.environment] = app.stop.aborted
      ? notBegun
      : await attempt(() => sealOne(app, place, trust))
  const { retired = [] } = keys
  if (retired.length === 0)
    return { recipients: keys.recipients.length, environments, old: "none", others: [], copies: [] }
  const others = await foreignNeeds(app, retired)
  const gone =
    !app.stop.aborted &&
    others.length === 0 &&
    Object.values(environments).every(({ kind }) => kind === "sealed")
  const copies = gone ? await dropRetired(config, app.host) : []
  return {
    recipients: keys.recipients.length,
    environments,
    old: gone ? "gone" : "needed",
    others,
    copies,
  }
}

const notBegun: Sealed = {
  kind: "failed",
  code: "stopped",
  message: "interrupted before it",
  hint: "say the same command again: it finishes what is left",
}

async function attempt(act: () => Promise<Sealed>): Promise<Sealed> {
  try {
    return await act()
  } catch (error) {
    return { kind: "failed", ...describeError(error) }
  }
}

async function sealOne(app: App, place: StateKey, trust: boolean): Promise<Sealed> {
  const lock = await waitFor(app, place)
  try {
    const ledger = new FileLedger(place, app.keys.mac, () => "")
    const document = await ledger.load()
    await ledger.flush(document)
    const { next, values } = await sealedAnew(
      document,
      app.keys,
      trust ? (bytes) => withProject(bytes, place) : (bytes) => bytes,
    )
    const serial = document.serial + 1
    const event = {
      event: "rekey",
      values,
      recipients: app.keys.recipients.length,
      ...(trust ? { trusted: true } : {}),
    }
    const audit = appendLine({ ...next.audit, lines: [] }, event, {
      at: app.host.now(),
      serial,
      actor: app.actor,
    })
    await ledger.save({ ...next, serial, audit })
    await ledger.flush({ ...next, serial, audit })
    await sendHead(app, place, { ...audit, lines: [] }, app.stop).catch((error: unknown) =>
      app.onProgress(place.environment, "audit", describeError(error).message),
    )
    app.onProgress(place.environment, "rekey", `${values} sealed anew`)
    return { kind: "sealed", values }
  } finally {
    lock.release()
  }
}

/**
 * Each sealed text holds its own name inside, so what is in it is not looked at: the state's MAC
 * says that it stands where it belongs.
 */
async function sealedAnew(
  document: StateDocument,
  keys: Keys,
  named: (bytes: Uint8Array) => Uint8Array,
): Promise<{ readonly next: StateDocument; readonly values: number }> {
  const anew = new Map<unknown, string>()
  for (const text of sealedIn(document))
    anew.set(text, await seal(keys.recipients, named(await unseal(keys.identities, text))))
  const next: StateDocument = JSON.parse(
    JSON.stringify(document),
    (_, value: unknown) => anew.get(value) ?? value,
  )
  return { next, values: anew.size }
}

const lockMs = 15_000
const pauseMs = 100

/** A process that is at work there is done soon; else the user is told to try again. */
async function waitFor({ host, holder, stop }: App, place: StateKey): Promise<HeldLock> {
  for (let waitedMs = 0; ; waitedMs += pauseMs) {
    const lock = await takeLock(lockPath(place), holder)
    if ("release" in lock) return lock
    if (waitedMs >= lockMs || stop.aborted)
      throw new AppError("locked", `${place.environment} is being worked on by ${lock.heldBy}`, {
        remedy: "retry",
        hint: lockedHint(lockPath(place)),
      })
    await host.pause(pauseMs, stop)
  }
}

/**
 * States of other projects that still need one of these identities; under their locks, for one who
 * holds it may still write.
 */
async function foreignNeeds(app: App, retired: readonly string[]): Promise<readonly string[]> {
  const found: string[] = []
  for (const project of projectsIn(app.config.store).filter(
    (name) => name !== app.config.project,
  )) {
    for (const place of statesIn(app.config.store, project)) {
      if (app.stop.aborted) return found
      // Where we were stopped in the middle, nothing is known of it.
      if ((await needs(app, place, retired)) && !app.stop.aborted)
        found.push(`${project}/${place.environment}`)
    }
  }
  return found
}

async function needs(app: App, place: StateKey, retired: readonly string[]): Promise<boolean> {
  try {
    const lock = await waitFor(app, place)
    try {
      return await anyOpens(retired, sealedIn(await readState(place)))
    } finally {
      lock.release()
    }
  } catch {
    // What cannot be looked at may need it.
    return true
  }
}

async function anyOpens(
  identities: readonly string[],
  sealed: readonly string[],
): Promise<boolean> {
  for (const text of sealed) if (await opens(identities, text)) return true
  return false
}
