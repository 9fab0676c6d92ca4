import { versionAt } from "../../core/version.ts"
import type { Ahead } from "../ahead.ts"
import { openSet } from "../open-set.ts"
import { type Proving, type Verdict, applyAndProve } from "../prove.ts"
import type { Session } from "../session.ts"
import { Stragglers } from "../stragglers.ts"
import type { Outcome, Outcomes } from "../work.ts"

/** `noWait`: a containment waits for the end, so a silent service is not waited for. */
export type VerdictOptions = {
  readonly fresh: boolean
  readonly noWait?: boolean
  readonly ahead?: Ahead
}

export async function verdictsOf(
  session: Session,
  members: readonly string[],
  { fresh, noWait = false, ahead }: VerdictOptions,
): Promise<ReadonlyMap<string, Verdict>> {
  const verdicts = new Map<string, Verdict>()
  const waiting = new Stragglers(session, () => members.filter((name) => !verdicts.has(name)))
  if (noWait) waiting.count()
  const proving: Proving = {
    fresh,
    waiting: waiting.signal,
    ...(ahead && { applied: (name, acceptedAt) => ahead.applied(name, acceptedAt) }),
  }
  try {
    await Promise.all(
      members.map(async (name) => {
        const verdict = await verdictOf(session, name, proving)
        verdicts.set(name, verdict)
        waiting.came(name, verdict)
      }),
    )
  } finally {
    // No two writes at once, whatever comes next.
    await ahead?.ended()
  }
  waiting.end()
  return verdicts
}

async function verdictOf(session: Session, name: string, options: Proving): Promise<Verdict> {
  // Proven in an earlier run is not proven now: the server may have failed over to one that had not
  // heard of it, or a backup was put back.
  if (
    wasProven(session, name) &&
    (session.proven.has(name) || session.strategy.trustsEarlierProof)
  ) {
    session.learn(name, "new")
    return { kind: "proven" }
  }
  const verdict = await applyAndProve(session, name, options)
  if (verdict.kind === "proven") session.proven.add(name)
  return verdict
}

function wasProven(session: Session, name: string): boolean {
  const stage = versionAt(session.state(name), "pending")?.stage
  return stage?.kind === "pending" && stage.proven
}

/**
 * A value that outputs may show already, and that its service does not take any more, cannot just
 * leave the set: all goes back.
 */
export function regressed(
  session: Session,
  verdicts: ReadonlyMap<string, Verdict>,
  { fresh }: Pick<VerdictOptions, "fresh">,
): { readonly code: string; readonly message: string } | undefined {
  for (const [name, verdict] of verdicts)
    if (
      verdict.kind === "left" &&
      (wasProven(session, name) || (!fresh && openSet(session).ahead === true))
    )
      return verdict
  return undefined
}

export function undecidedOutcomes(verdicts: ReadonlyMap<string, Verdict>): Outcomes {
  const outcomes: Record<string, Outcome> = {}
  for (const [name, verdict] of verdicts) {
    if (verdict.kind !== "proven")
      outcomes[name] = { kind: verdict.kind, code: verdict.code, message: verdict.message }
  }
  return outcomes
}
