import { describeError } from "../base/error.ts"
import { present } from "../base/present.ts"
import type { AuditEvent } from "../core/audit-line.ts"
import { type Patch } from "../core/state.ts"
import type { Version } from "../core/version.ts"
import { nextVersionId } from "../core/version-changes.ts"
import { openSets } from "../core/change-set.ts"
import { driverOf } from "../rotate/ask.ts"
import { reconcile } from "../rotate/reconcile.ts"
import type { ReconcileFinding } from "../rotate/reconcile/finding.ts"
import type { Session } from "../rotate/session.ts"
import type { Outcomes } from "../rotate/work.ts"
import { type Adopted, type Asked, fieldsOf, isWeakIn, knownAs } from "./adoptable.ts"
import { prove } from "./prove-adopted.ts"
import { refuseBreakOut } from "./shown-values.ts"

/** A value that a login has shown to work: a version of before, or a new one. */
type Taken = {
  readonly id: string
  readonly proof: string
  readonly weak: boolean
  readonly fresh?: Version
}

/**
 * A journal that recovery could not end, for its service refuses all that we know: a value that a
 * login proves is written
 * down as one that may be live, and reconcile makes it the current one, or leaves all as it is. By
 * secret of such a journal.
 */
export async function adoptOpen(
  session: Session,
  ask: Asked,
  recovered: Outcomes,
): Promise<Readonly<Record<string, Adopted>>> {
  const names = openSets(session.document)
    .flatMap(({ secrets }) => secrets)
    .filter((name) => session.work.drivers[name] !== undefined)
  const results: Record<string, Adopted> = {}
  const taken = new Map<string, Taken>()
  // What no service asks for is decided with the others of its journal.
  for (const name of names.filter((one) => driverOf(session, one).overlap !== "none")) {
    try {
      taken.set(name, await take(session, name, ask))
    } catch (error) {
      results[name] = { kind: "refused", ...describeError(error) }
    }
  }
  if (taken.size > 0) await writeDown(session, taken)
  const decided =
    taken.size === 0
      ? {}
      : (await reconcile(session, { dryRun: false, deep: false, secrets: names })).found
  for (const name of names)
    results[name] =
      results[name] ??
      resultOf(session, name, {
        one: decided[name],
        taken: taken.get(name),
        outcome: recovered[name],
      })
  await noteWeak(session, taken)
  return results
}

async function take(session: Session, name: string, ask: Asked): Promise<Taken> {
  const fields = fieldsOf(session, name, await ask.found(name))
  refuseBreakOut(session, name, fields)
  const known = await knownAs(session, name, fields)
  const id = known ?? nextVersionId(session.state(name))
  const proof = await prove(
    session,
    name,
    { version: id, fields },
    { current: undefined, ...present({ known }) },
  )
  const said = ask.askedFor ? ask.madeAt(name) : undefined
  const madeAt = said ?? session.work.host.now().toISOString()
  const fresh: Version = {
    id,
    madeAt,
    adopted: said === undefined ? "undated" : "dated",
    stage: { kind: "uncertain", why: "taken over while a rotation is not finished" },
    ...(await session.work.vault.seal(name, { version: id, fields })),
  }
  return { id, proof, weak: isWeakIn(fields), ...(known === undefined ? { fresh } : {}) }
}

async function writeDown(session: Session, taken: ReadonlyMap<string, Taken>): Promise<void> {
  const patches: Record<string, Patch> = {}
  const events: AuditEvent[] = []
  for (const [name, { id, fresh, weak }] of taken) {
    if (fresh === undefined) continue
    patches[name] = (state) => ({ ...state, versions: [...state.versions, fresh] })
    events.push({
      event: "adopt",
      secret: name,
      version: id,
      ...(fresh.adopted === "dated" ? { madeAt: fresh.madeAt } : {}),
      ...(weak ? { weak } : {}),
    })
  }
  if (events.length > 0) await session.commit({ patches, events, flush: true })
}

function resultOf(
  session: Session,
  name: string,
  {
    one,
    taken,
    outcome,
  }: {
    readonly one: ReconcileFinding | undefined
    readonly taken: Taken | undefined
    readonly outcome: Outcomes[string] | undefined
  },
): Adopted {
  if (one?.kind === "same" && !session.isOpen(name)) return { kind: "known", version: one.version }
  if (taken === undefined) return stillOpen(session, outcome)
  if (one?.kind === "found") {
    const { version, outputs, restarts, unhealthy } = one
    const { adopted, madeAt } = session.state(name).versions.find(({ id }) => id === version) ?? {}
    return {
      kind: "adopted",
      version,
      proof: taken.proof,
      weak: taken.weak,
      ...(adopted === "dated" && madeAt !== undefined ? { madeAt } : {}),
      ended: { outputs, restarts, ...present({ unhealthy }) },
    }
  }
  const why =
    one?.kind === "held" || one?.kind === "unknown"
      ? one
      : { code: "journal-open", message: "its rotation is not finished" }
  return {
    kind: "refused",
    code: why.code,
    message: `${taken.id} works and is sealed, but ${why.message}`,
    hint: (one?.kind === "held" ? one.hint : undefined) ?? "the same command asks once more",
  }
}

/** Why it is so, as recovery has just found it; a service is blamed only where one is the cause. */
function stillOpen(session: Session, outcome: Outcomes[string] | undefined): Adopted {
  if (outcome?.kind === "waiting")
    return {
      kind: "refused",
      code: outcome.code,
      message: `its rotation is not finished: ${outcome.message}`,
      hint: `once that is put right, mycelium rotate-now ${session.work.environment} ends it`,
    }
  return {
    kind: "refused",
    code: "journal-open",
    message:
      "its rotation is not finished, for the service of another secret in it takes none of our values",
    hint: `adopt that one: mycelium rotate-now ${session.work.environment} says which`,
  }
}

/** A value that is easily guessed is due at the next scheduled time, as one always is that was taken over. */
async function noteWeak(session: Session, taken: ReadonlyMap<string, Taken>): Promise<void> {
  const weak = [...taken].filter(
    ([name, one]) =>
      one.weak &&
      session
        .state(name)
        .versions.some(({ id, stage }) => id === one.id && stage.kind === "current"),
  )
  if (weak.length > 0)
    await session.commit({
      patches: Object.fromEntries(
        weak.map(([name]) => [name, (state) => ({ ...state, weak: true as const })]),
      ),
    })
}
