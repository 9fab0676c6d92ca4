import { AppError, describeError } from "../base/error.ts"
import { present } from "../base/present.ts"
import type { AuditEvent } from "../core/audit-line.ts"
import { canShow } from "../core/can-show.ts"
import type { Credential, Fields } from "../core/ports.ts"
import type { Secret } from "../core/secret.ts"
import { type Patch, type SecretState, holdsContained, openContainment } from "../core/state.ts"
import { type Stage, versionAt } from "../core/version.ts"
import { changeVersion, nextVersionId } from "../core/version-changes.ts"
import { sayListeners } from "../plugins/drivers/server/listener.ts"
import { driverOf } from "../rotate/ask.ts"
import { deploymentsOf } from "../rotate/readers.ts"
import { looks } from "../rotate/reconcile/looks.ts"
import type { Session } from "../rotate/session.ts"
import { sealByHand } from "./adopt-by-hand.ts"
import { adoptOpen } from "./adopt-open.ts"
import {
  type Adopted,
  type Asked,
  type Follow,
  type SuppliedValues,
  fieldsOf,
  isWeakIn,
  knownAs,
  prove,
  refuseBreakOut,
  refuseMissing,
  refuseUntold,
  same,
  shownBy,
  wrapped,
} from "./adoptable.ts"
import type { App } from "../app/app.ts"
import { withEnvironment } from "../app/environment.ts"
import { whenFree } from "../app/reading.ts"

export type Adoption = Readonly<Record<string, Adopted>>

/**
 * Takes over the values that the outputs show (or that are given), each proven by a login. Nothing
 * outside is changed, but
 * where a value ends a journal that nobody else could: then outputs and deployments follow it.
 * `rotatedAt`: when they were
 * made, for all that this run takes over; left out, what the config says of a first value, or
 * nobody knows.
 */
export async function adopt(
  app: App,
  environment: string,
  given: SuppliedValues = {},
  rotatedAt?: Date,
): Promise<Adoption> {
  const first = await withEnvironment(app, environment, async ({ session, recovered }) => {
    const begun = session.changeSet !== undefined
    const shown = await shownBy(session)
    const found = async (name: string): Promise<Readonly<Record<string, Secret>>> => {
      if (shown[name] === undefined && given[name] === undefined)
        await refuseUntold(app, session, environment, name)
      return { ...wrapped(session, name, shown[name] ?? {}), ...given[name] }
    }
    const ask: Asked = {
      found,
      madeAt: (name) => rotatedAt?.toISOString() ?? dateInConfig(app, session, name),
      askedFor: rotatedAt !== undefined,
      isGiven: (name) => given[name] !== undefined,
    }
    const sealed = await sealByHand(session, ask)
    const ended = await adoptOpen(session, ask, recovered)
    const rest = Object.keys(session.work.drivers).filter((name) => ended[name] === undefined)
    const again = begun && session.changeSet === undefined
    return {
      again,
      sealed,
      results: noteUncontained(session, {
        ...ended,
        ...(again ? {} : await adoptAll(session, rest, ask)),
      }),
    }
  })
  // The journal's own options are over: the rest is read and asked by those of today.
  return first.again
    ? {
        ...(await whenFree(app, () =>
          adopt(app, environment, { ...given, ...first.sealed }, rotatedAt),
        )),
        ...without(first.results, first.sealed),
      }
    : first.results
}

function without(results: Adoption, sealed: SuppliedValues): Adoption {
  return Object.fromEntries(Object.entries(results).filter(([name]) => sealed[name] === undefined))
}

function noteUncontained(session: Session, results: Adoption): Adoption {
  const noted = (name: string, one: Adopted): Adopted => {
    const incident = openIncident(session.state(name))
    return one.kind === "refused" || incident === undefined
      ? one
      : { ...one, uncontained: incident }
  }
  return Object.fromEntries(Object.entries(results).map(([name, one]) => [name, noted(name, one)]))
}

/**
 * Where sessions of before may live, too, the value that is taken over may be theirs: nothing of
 * them can be proven ended beside it.
 */
function openIncident(state: SecretState): string | undefined {
  const { contained } = state
  return (
    openContainment(state)?.incident ??
    (contained?.sessions !== undefined && !holdsContained(state) ? contained.incident : undefined)
  )
}

/**
 * Of a value that replaces another one, which someone made since, the config's date says nothing.
 */
function dateInConfig(app: App, session: Session, name: string): string | undefined {
  const said = app.config.environments[session.work.environment]?.secrets[name]?.rotatedAt
  if (said === undefined) return undefined
  if (Date.parse(said) > session.work.host.now().getTime())
    throw new AppError("adopt-date", "its rotated_at in the config lies in the future", {
      hint: "write the day on which the value was made, or leave rotated_at out",
    })
  return said
}

type Noted = { readonly patches: Record<string, Patch>; readonly events: AuditEvent[] }

async function adoptAll(session: Session, names: readonly string[], ask: Asked): Promise<Adoption> {
  const results: Record<string, Adopted> = {}
  const patches: Record<string, Patch> = {}
  const events: AuditEvent[] = []
  const hadOne = names.filter((name) => versionAt(session.state(name), "current") !== undefined)
  for (const name of names) {
    try {
      if (session.changeSet !== undefined)
        throw new AppError(
          "journal-open",
          `a rotation of ${session.changeSet.secrets.join(", ")} is not finished, and ends first`,
          {
            hint: `mycelium rotate-now ${session.work.environment} ends it, or says what keeps it`,
          },
        )
      results[name] = await adoptOne(session, name, ask, { patches, events })
    } catch (error) {
      results[name] = { kind: "refused", ...describeError(error) }
    }
  }
  if (events.length > 0) await session.commit({ patches, events, flush: true })
  for (const name of hadOne) {
    const one = results[name]
    if (one?.kind !== "adopted") continue
    const { differ: _differ, restart: _restart, ...rest } = one
    results[name] = { ...rest, follow: await followOf(session, name) }
  }
  return results
}

/** By today's values: what `render` would change, and who reads it. */
async function followOf(session: Session, name: string): Promise<Follow> {
  const version = versionAt(session.state(name), "current")?.id ?? ""
  const outputs = await looks(session, name, version)
  return {
    outputs: outputs.filter((one) => one.differs).map(({ target }) => target),
    restarts: deploymentsOf(session, [name]).map((one) => one.name),
  }
}

/**
 * A file that a backup has put back shows no value of a person: nobody is asked whether an older
 * one counts again.
 */
async function refuseOlder(
  session: Session,
  name: string,
  fields: Fields,
  current: string,
): Promise<void> {
  const older = await knownAs(session, name, fields)
  if (older === undefined) return
  throw new AppError(
    "output-stale",
    `the output shows ${older}, which is not current any more: that is ${current}`,
    {
      hint: `mycelium render ${session.work.environment} writes the current one; if the older one is to count again, give it: --ask or --from`,
    },
  )
}

async function adoptOne(
  session: Session,
  name: string,
  ask: Asked,
  noted: Noted,
): Promise<Adopted> {
  const { patches, events } = noted
  const found = await ask.found(name)
  await refuseMissing(session, name, found)
  const fields = fieldsOf(session, name, found)
  refuseBreakOut(session, name, fields)
  const versions = await session.versions(name)
  const { current } = versions
  if (current !== undefined && same(current.fields, fields)) {
    await prove(session, name, current, { current, known: current.version })
    return known(session, name, ask, noted)
  }
  if (current !== undefined && !ask.isGiven(name) && driverOf(session, name).overlap === "none")
    await refuseOlder(session, name, fields, current.version)
  const said = current === undefined || ask.askedFor ? ask.madeAt(name) : undefined
  const id = nextVersionId(session.state(name))
  const proof = await prove(session, name, { version: id, fields }, { current })
  const now = session.work.host.now().toISOString()
  const sealed = await session.work.vault.seal(name, { version: id, fields })
  const weak = isWeakIn(fields)
  const madeAt = said ?? now
  patches[name] = ({ retry: _retry, weak: _weak, drift: _drift, undated: _undated, ...state }) => ({
    ...state,
    ...(weak ? { weak: true } : {}),
    driver: session.work.kinds[name] ?? "",
    rotatedAt: madeAt,
    versions: [
      ...state.versions.map((version) =>
        version.stage.kind === "current" ? { ...version, stage: replaced(session, name) } : version,
      ),
      {
        id,
        madeAt,
        adopted: said === undefined ? "undated" : "dated",
        stage: { kind: "current" },
        ...sealed,
      },
    ],
  })
  events.push({
    event: "adopt",
    secret: name,
    version: id,
    ...present({ madeAt: said }),
    ...(weak ? { weak } : {}),
  })
  const follow = await following(session, name, { version: id, fields }, current !== undefined)
  return {
    kind: "adopted",
    version: id,
    proof,
    weak,
    ...follow,
    ...present({ madeAt: said }),
    ...listening(session, name),
  }
}

/**
 * Adopting changes nothing outside: which files show another value, and which programs may hold
 * one, is for a person to see to.
 */
async function following(
  session: Session,
  name: string,
  adopted: Credential,
  replaces: boolean,
): Promise<{ readonly differ?: readonly string[]; readonly restart?: readonly string[] }> {
  const values = { ...(await session.values(() => false)), [name]: adopted }
  const outputs = session.outputsOf([name]).filter((output) => canShow(output, values))
  const states = await Promise.all(
    outputs.map((output) =>
      output.compare(values, session.work.stop).catch(() => "differs" as const),
    ),
  )
  const differ = outputs.filter((_, index) => states[index] !== "same").map(({ target }) => target)
  const restart =
    replaces || differ.length > 0 ? deploymentsOf(session, [name]).map((one) => one.name) : []
  return {
    ...(differ.length === 0 ? {} : { differ }),
    ...(restart.length === 0 ? {} : { restart }),
  }
}

/** A login that works, while a person looks on: who listens there now is who should. */
function noteListeners(
  session: Session,
  name: string,
  patches: Record<string, Patch>,
  events: AuditEvent[],
): { readonly listens?: readonly string[] } {
  const listeners = session.work.listeners?.[name]
  const seen = listeners?.seen
  if (seen !== undefined && listeners?.changed === true) {
    patches[name] = (state) => ({ ...state, listeners: seen })
    events.push({ event: "listeners", secret: name, message: sayListeners(listeners).join(", ") })
  }
  return listening(session, name)
}

function listening(session: Session, name: string): { readonly listens?: readonly string[] } {
  const listens = sayListeners(session.work.listeners?.[name])
  return listens.length === 0 ? {} : { listens }
}

/**
 * It is the current one already: a login has just proven it, and a person may say how old it is.
 */
function known(session: Session, name: string, ask: Asked, { patches, events }: Noted): Adopted {
  const state = session.state(name)
  const current = versionAt(state, "current")
  if (current === undefined) throw new AppError("internal", `${name}: no current version`)
  const renoted = noteListeners(session, name, patches, events)
  const earlier = patches[name] ?? ((one: SecretState) => one)
  // Of a value that mycelium made it knows when, but where a clock was wrong then.
  const isOpen =
    current.adopted === "undated" ||
    (ask.askedFor && (current.adopted === "dated" || state.undated === true))
  const said = isOpen ? ask.madeAt(name) : undefined
  const dated: Patch =
    said === undefined
      ? (one) => one
      : ({ undated: _undated, ...one }) => ({
          ...changeVersion(current.id, (version) => ({
            ...version,
            madeAt: said,
            adopted: "dated",
          }))(one),
          rotatedAt: said,
        })
  // Someone has set it back: proven, it counts again.
  if (state.drift !== undefined)
    events.push({ event: "drift-over", secret: name, version: current.id })
  if (said !== undefined)
    events.push({ event: "dated", secret: name, version: current.id, madeAt: said })
  if (state.drift !== undefined || said !== undefined) {
    patches[name] = (before) => {
      const { drift: _drift, ...one } = earlier(before)
      return dated(one)
    }
  }
  return {
    kind: "known",
    version: current.id,
    ...renoted,
    ...present({ madeAt: said }),
    ...(ask.askedFor && current.adopted === undefined ? { ours: true } : {}),
  }
}

/**
 * Where two values live side by side, the one before may: it is revoked after its grace, and proven
 * dead. Elsewhere the login that was just accepted has shown that it is not.
 */
function replaced(session: Session, name: string): Stage {
  const now = session.work.host.now()
  if (driverOf(session, name).overlap !== "both")
    return { kind: "retired", since: now.toISOString() }
  return {
    kind: "previous",
    since: now.toISOString(),
    revokeAt: new Date(now.getTime() + (session.work.policies[name]?.graceMs ?? 0)).toISOString(),
    endSessions: false,
  }
}
