import { forward } from "./forward.ts"
import { type ProbedVersions, likely, probeVersions } from "./probe-versions.ts"
import type { ReconcileFinding, ReconcileOptions, Reconciled } from "./reconcile/finding.ts"
import { holdForJournals } from "./reconcile/journals.ts"
import { judge } from "./reconcile/judge.ts"
import { write } from "./reconcile/write.ts"
import { rollBack } from "./roll-back.ts"
import type { Session } from "./session.ts"
import type { Outcome } from "./work.ts"

/**
 * After a backup was put back, of a service or of the state: the version that lives becomes the
 * current one.
 */

export async function reconcile(session: Session, options: ReconcileOptions): Promise<Reconciled> {
  const names = Object.keys(session.work.drivers).filter(
    (name) => options.secrets?.includes(name) ?? true,
  )
  const surveys: Record<string, ProbedVersions> = {}
  await Promise.all(
    names.map(
      async (name) =>
        (surveys[name] = await probeVersions(session, name, {
          most: options.deep ? Number.POSITIVE_INFINITY : likely,
          looks: options.dryRun,
        })),
    ),
  )
  const found: Record<string, ReconcileFinding> = {}
  for (const name of names)
    found[name] = await judge(session, name, surveys[name] ?? { kind: "none" })
  // Only their value changes in the open journal, which goes on: it has an end then, which it had
  // not.
  const replaced: ReadonlySet<string> =
    options.behind === undefined ? holdForJournals(session, found) : new Set()
  const waits =
    options.behind !== undefined && Object.values(found).some((one) => one.kind === "unknown")
  if (options.dryRun || waits) return { found, written: false }
  const moves = await write(session, { found, surveys, replaced }, options)
  if (moves.length === 0) return { found, written: true }
  const outcomes =
    session.changeSet?.direction === "back"
      ? await rollBack(session)
      : await forward(session, { fresh: false })
  for (const name of moves) found[name] = after(found[name], outcomes[name])
  return { found, written: true }
}

function after(one: ReconcileFinding | undefined, outcome: Outcome | undefined): ReconcileFinding {
  if (one?.kind !== "found") return one ?? { kind: "new" }
  if (outcome?.kind === "rotated")
    return outcome.unhealthy === undefined ? one : { ...one, unhealthy: outcome.unhealthy }
  if (outcome?.kind === "rolled-back")
    return outcome.code === "back-unhealthy" ? { ...one, unhealthy: outcome.message } : one
  const { code, message } = outcome ?? { code: "journal-open", message: "not finished" }
  return {
    kind: "held",
    version: one.version,
    code,
    message,
    hint: "the journal is open: mycelium run, or this command again, goes on with it",
  }
}
