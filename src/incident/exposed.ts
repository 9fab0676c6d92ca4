import { AppError } from "../base/error.ts"
import { takeLock } from "../base/files/lock.ts"
import { Secret } from "../core/secret.ts"
import { FileLedger } from "../record/ledger.ts"
import { type StateKey, lockPath, readState } from "../record/state-file.ts"
import { AgeVault } from "../record/vault.ts"
import { type AuditEvent, appendLine } from "../core/audit-line.ts"
import type { App } from "../app/app.ts"
import { refuseTaken } from "../app/belongs.ts"
import { optionsOf } from "../app/options-of.ts"
import { lockedBy } from "../app/environment/lock.ts"
import { demand } from "../app/held.ts"
import { TextCopy, otherNames } from "./other-names.ts"
import { type Shown, shownNow } from "./shown-now.ts"
import { whenFree } from "../app/reading.ts"
import { type Pattern, patternsOf, searchText } from "./text-search.ts"

/** A version whose value stands in a text. */
export type Exposed = {
  readonly environment: string
  readonly secret: string
  /** undefined: no version, but what an output shows now. */
  readonly version?: string
  readonly stage: string
  readonly form: string
}
export type Exposure = {
  readonly found: readonly Exposed[]
  /** Values too short to be told from chance. */
  readonly tooShort: readonly string[]
  /** Never adopted, and shown by no output: it is not known what to look for. */
  readonly unknown: readonly string[]
  /** Names of variables in the text whose values are unknown to Mycelium. */
  readonly others: readonly string[]
  /** An age identity stands in the text, or its beginning: whose, is not known. */
  readonly identity: boolean
}

/** Shorter ones stand in any text by chance. */
const shortest = 6

/** How each identity of age begins. */
const identityStart = "AGE-SECRET-KEY-1"

type Looked = Exposed & Pattern

/**
 * Which versions that we know, in any stage, stand in this text, raw or encoded; and which values
 * that outputs show now, adopted or not. Reading versions is an event in each environment's log.
 * `urgent`: who works on one is asked to let go.
 */
export async function findExposed(
  app: App,
  environments: readonly string[],
  source: AsyncIterable<Uint8Array>,
  options: { readonly urgent: boolean },
): Promise<Exposure> {
  const looked: Looked[] = []
  const tooShort: string[] = []
  const unknown: string[] = []
  for (const environment of environments) {
    const known = await valuesOf(app, environment, options)
    unknown.push(...known.unknown.map((secret) => `${environment}/${secret}`))
    for (const { value, ...one } of known.values) {
      if (value.length < shortest)
        tooShort.push(`${environment}/${one.secret} ${one.version ?? one.stage}`)
      else for (const pattern of patternsOf(value)) looked.push({ environment, ...one, ...pattern })
    }
  }
  const copy = new TextCopy()
  const found = await searchText([...looked, ...patternsOf(identityStart)], copy.follow(source))
  const exposed = [...found]
    .flatMap((index) => looked[index] ?? [])
    .map(({ bytes: _, encoded: __, ...one }) => one)
  return {
    found: [
      ...new Map(
        exposed.map((one) => [`${one.environment}/${one.secret} ${one.version}`, one]),
      ).values(),
    ],
    tooShort,
    unknown,
    identity: [...found].some((index) => index >= looked.length),
    others: otherNames(
      copy.text ?? "",
      looked.map(({ bytes }) => bytes.toString()),
      shortest,
    ),
  }
}

type Opened = Pick<Exposed, "secret" | "version" | "stage"> & { readonly value: string }

/** What can be looked for: all that was ever issued, and what outputs show now. */
async function valuesOf(
  app: App,
  environment: string,
  options: { readonly urgent: boolean },
): Promise<{ readonly values: readonly Opened[]; readonly unknown: readonly string[] }> {
  const place: StateKey = { store: app.config.store, project: app.config.project, environment }
  if (app.stop.aborted)
    throw new AppError("stopped", "interrupted before the text was searched; nothing was rotated", {
      remedy: "retry",
    })
  // Written down before a value is opened.
  const holdsSome = await (options.urgent
    ? noteRead(app, place, options)
    : whenFree(app, () => noteRead(app, place, options)))
  const issued = holdsSome ? await allValues(app, place) : []
  const { shown, unknown } = await shownNow(app, environment, await readState(place))
  return { values: [...issued, ...notIssued(shown, issued)], unknown }
}

/** What outputs show, and no version holds: each once. */
function notIssued(shown: readonly Shown[], issued: readonly Opened[]): readonly Opened[] {
  const others = shown.filter(
    ({ secret, value }) => !issued.some((one) => one.secret === secret && one.value === value),
  )
  return [...new Map(others.map((one) => [`${one.secret} ${one.value}`, one])).values()].map(
    (one) => ({ ...one, stage: "shown by an output" }),
  )
}

async function allValues(app: App, place: StateKey): Promise<readonly Opened[]> {
  const document = await readState(place)
  const vault = new AgeVault(app.keys, place)
  const versions = Object.entries(document?.secrets ?? {}).flatMap(([secret, state]) =>
    state.versions.map((version) => ({ secret, version })),
  )
  const opened = await Promise.all(
    versions.map(async ({ secret, version }) => {
      const { fields } = await vault.open(secret, version)
      return Object.values(fields).flatMap((field) =>
        field instanceof Secret
          ? [{ secret, version: version.id, stage: version.stage.kind, value: field.reveal() }]
          : [],
      )
    }),
  )
  return opened.flat()
}

/** False where there is nothing to read. */
async function noteRead(
  app: App,
  place: StateKey,
  { urgent }: { readonly urgent: boolean },
): Promise<boolean> {
  const names = Object.entries((await readState(place))?.secrets ?? {}).flatMap(
    ([name, { versions }]) => (versions.length === 0 ? [] : [name]),
  )
  if (names.length === 0) return false
  const path = lockPath(place)
  const lock = urgent
    ? await demand(app, place.environment, path)
    : await takeLock(path, app.holder)
  if ("heldBy" in lock && !urgent) throw lockedBy(place.environment, lock.heldBy, path)
  if ("heldBy" in lock)
    throw new AppError("stopped", "interrupted; nothing was read", { remedy: "retry" })
  try {
    const ledger = new FileLedger(place, app.keys.mac, () => "")
    const document = await ledger.load()
    await refuseTaken(app, optionsOf(app, place.environment), document)
    await ledger.flush(document)
    const event: AuditEvent = { event: "read", purpose: "exposed-in", secrets: names }
    const serial = document.serial + 1
    const next = {
      ...document,
      serial,
      audit: appendLine({ ...document.audit, lines: [] }, event, {
        at: app.host.now(),
        serial,
        actor: app.actor,
      }),
    }
    await ledger.save(next)
    await ledger.flush(next)
    return true
  } finally {
    lock.release()
  }
}
