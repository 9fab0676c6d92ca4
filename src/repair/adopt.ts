import { olderHolder, versionAt } from "../core/version.ts"
import { present } from "../base/present.ts"
import { showsIt } from "../rotate/reconcile/shows-it.ts"
import { AppError, describeError } from "../base/error.ts"
import type { AuditEvent } from "../core/audit-line.ts"
import type { Secret } from "../core/secret.ts"
import type { Patch, SecretState } from "../core/state.ts"
import { holdsContained, openContainment } from "../core/open-containment.ts"

import { deploymentsOf } from "../rotate/readers.ts"

import type { Session } from "../rotate/session.ts"
import { sealByHand } from "./adopt-by-hand.ts"
import { adoptOne } from "./adopt-one.ts"
import { adoptOpen } from "./adopt-open.ts"
import { type Adopted, type Asked, type Follow, type SuppliedValues, wrapped } from "./adoptable.ts"
import { refuseUntold, shownBy } from "./shown-values.ts"
import type { App } from "../app/app.ts"
import { type Opened, withEnvironment } from "../app/environment.ts"
import { whenFree } from "../app/reading.ts"

export type Adoption = Readonly<Record<string, Adopted>>

/**
 * Takes over the values that the outputs show (or that are given), each proven by a login. Nothing
 * outside is changed, with one exception: if a value ends a journal that nothing else could end,
 * outputs and deployments follow it. `rotatedAt`: when all values of this run were made; left out,
 * the config says it of a first value, and of others it is not known.
 */
export async function adopt(
  app: App,
  environment: string,
  given: SuppliedValues = {},
  rotatedAt?: Date,
): Promise<Adoption> {
  const first = await withEnvironment(app, environment, (opened) =>
    adoptOpened(app, opened, { given, rotatedAt }),
  )
  if (!first.again) return first.results
  // The journal's own options are over: the rest is read and asked by those of today.
  const rest = await whenFree(app, () =>
    adopt(app, environment, { ...given, ...first.sealed }, rotatedAt),
  )
  return { ...rest, ...without(first.results, first.sealed) }
}

type Values = { readonly given: SuppliedValues; readonly rotatedAt: Date | undefined }
type Taken = {
  /** A journal has ended: what is not among the results is still to be asked. */
  readonly again: boolean
  readonly sealed: SuppliedValues
  readonly results: Adoption
}

async function adoptOpened(
  app: App,
  { session, recovered }: Opened,
  { given, rotatedAt }: Values,
): Promise<Taken> {
  const begun = session.changeSet !== undefined
  const shown = await shownBy(session)
  const ask: Asked = {
    found: async (name): Promise<Readonly<Record<string, Secret>>> => {
      if (shown[name] === undefined && given[name] === undefined)
        await refuseUntold(app, session, session.work.environment, name)
      return { ...wrapped(session, name, shown[name] ?? {}), ...given[name] }
    },
    madeAt: (name) => rotatedAt?.toISOString() ?? dateInConfig(app, session, name),
    askedFor: rotatedAt !== undefined,
    isGiven: (name) => given[name] !== undefined,
  }
  const sealed = await sealByHand(session, ask)
  const ended = await adoptOpen(session, ask, recovered)
  const rest = Object.keys(session.work.drivers).filter((name) => ended[name] === undefined)
  const again = begun && session.changeSet === undefined
  const others = again ? {} : await adoptAll(session, rest, ask)
  return { again, sealed, results: noteUncontained(session, { ...ended, ...others }) }
}

function without(results: Adoption, sealed: SuppliedValues): Adoption {
  return Object.fromEntries(Object.entries(results).filter(([name]) => sealed[name] === undefined))
}

function noteUncontained(session: Session, results: Adoption): Adoption {
  const noted = (name: string, one: Adopted): Adopted => {
    const incident = openIncident(session.state(name))
    return one.kind === "refused" || incident === undefined
      ? one
      : { ...one, uncontained: incident, ...takenAway(session.state(name)) }
  }
  return Object.fromEntries(Object.entries(results).map(([name, one]) => [name, noted(name, one)]))
}

/**
 * If earlier sessions may live, too, the value that is taken over may be theirs: none of them can be
 * proven ended beside it.
 */
function openIncident(state: SecretState): string | undefined {
  const { contained } = state
  return (
    openContainment(state)?.incident ??
    (contained?.sessions !== undefined && !holdsContained(state) ? contained.incident : undefined)
  )
}

/** Under which version a containment took away the value that is current now. */
function takenAway(state: SecretState): { readonly takenAway?: string } {
  const { contained } = state
  return contained === undefined
    ? {}
    : present({ takenAway: olderHolder(state, contained.version)?.id })
}

/**
 * The config's date says nothing of a value that was made later, and replaces another one.
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
  const version = versionAt(session.state(name), "current")
  const outputs =
    version === undefined ? [] : await showsIt(session, name, await session.shown(name, version))
  return {
    outputs: outputs.filter((one) => one.differs).map(({ target }) => target),
    restarts: deploymentsOf(session, [name]).map((one) => one.name),
  }
}
