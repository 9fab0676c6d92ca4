import { aheadOf, believable } from "../core/instants.ts"
import type { Due } from "../core/due.ts"
import type { SecretState, StateDocument } from "../core/state.ts"
import { holdsContained } from "../core/open-containment.ts"
import { type Stage, uncertainUntil, versionAt } from "../core/version.ts"
import { heldBy, openSetOf, openSets } from "../core/change-set.ts"
import { owingIn } from "../core/unwritten.ts"
import { causeOf, nextDue, nextTry } from "./due.ts"
import type { PlannedSecret } from "./planned-secret.ts"
import type { Schedule } from "./schedule.ts"

export type Agenda = {
  /**
   * Secrets to rotate now, the longest overdue first: none that waits for the end of a rotation which
   * is not finished.
   */
  readonly due: readonly string[]
  /** Of each of them, why. */
  readonly causes: Readonly<Record<string, Due>>
  /** Since when the longest overdue of them waits. */
  readonly dueSince: Date | undefined
  /**
   * A journal is open, a revoke is due, a value is uncertain, or an output that a containment has
   * left is still to be written.
   */
  readonly owed: boolean
  /** How far (ms) the state is ahead of the clock: one of the two is, or was, wrong. */
  readonly aheadMs: number
  /** When there may be something to do next; undefined: never, as things stand. */
  readonly nextAt: Date | undefined
  /** That is a revoke; else a rotation. */
  readonly nextRevokes?: true
}

/**
 * What is to be done in one environment, now and next; a pure function of config, state and time.
 */
export function agenda(
  found: StateDocument | undefined,
  secrets: readonly Pick<PlannedSecret, "name" | "rotateEveryMs">[],
  schedule: Schedule,
  now: Date,
): Agenda {
  const document = found && believable(found, now)
  const due: { readonly name: string; readonly at: number; readonly by: Due["by"] }[] = []
  const later: number[] = []
  for (const { name, rotateEveryMs } of secrets) {
    const state = heldBy(document, name) === undefined ? document?.secrets[name] : undefined
    const at = state && rotationAt(state, rotateEveryMs, schedule)
    if (state === undefined || at === undefined) continue
    const notBefore = nextTry(at, state?.retry, now)
    if (notBefore <= now.getTime()) due.push({ name, at, by: causeOf(state) })
    else later.push(notBefore)
  }
  const owedAt = revokes(document, new Set(secrets.map(({ name }) => name)))
  const nextRevoke = Math.min(...owedAt.filter((at) => at > now.getTime()))
  const nextAt = Math.min(nextRevoke, ...later)
  due.sort((one, other) => one.at - other.at)
  return {
    due: due.map(({ name }) => name),
    causes: Object.fromEntries(
      due.map(({ name, at, by }) => [name, { by, tick: new Date(at).toISOString() }]),
    ),
    dueSince: due[0] === undefined ? undefined : new Date(due[0].at),
    owed:
      openSets(document).length > 0 ||
      owedAt.some((at) => at <= now.getTime()) ||
      owingIn(document).length > 0,
    aheadMs: found === undefined ? 0 : aheadOf(found, now),
    nextAt: nextAt === Number.POSITIVE_INFINITY ? undefined : new Date(nextAt),
    ...(nextAt === nextRevoke && nextAt !== Number.POSITIVE_INFINITY
      ? { nextRevokes: true as const }
      : {}),
  }
}

/** When it is due; undefined: never, as things stand. */
function rotationAt(
  state: SecretState,
  rotateEveryMs: number | null,
  schedule: Schedule,
): number | undefined {
  // A secret without a value is new and left alone: nothing rotates because of a start, or of lost
  // state.
  if (rotateEveryMs === null || versionAt(state, "current") === undefined) return undefined
  // Changed without Mycelium: it waits for a person.
  if (state.drift !== undefined) return undefined
  return nextDue(schedule, state, rotateEveryMs)?.getTime()
}

/**
 * When each owed revoke is due; 0 for a value that may be live. A secret that has drifted owes none
 * until a person has acted, nor one whose rotation is not finished until that has ended. The
 * service of one that the config has no more cannot be reached.
 */
function revokes(
  document: StateDocument | undefined,
  listed: ReadonlySet<string>,
): readonly number[] {
  return Object.entries(document?.secrets ?? {})
    .filter(
      ([name, { drift }]) =>
        drift === undefined && listed.has(name) && openSetOf(document, name) === undefined,
    )
    .flatMap(([, state]) => [
      ...state.versions.flatMap(({ stage }) => revokeOf(stage)),
      ...(owesAtOnce(state) ? [0] : []),
    ])
}

function revokeOf(stage: Stage): readonly number[] {
  if (stage.kind === "previous") return [Date.parse(stage.revokeAt)]
  return stage.kind === "uncertain" ? [uncertainUntil(stage)] : []
}

/**
 * What a containment has still to take away is due at once. If the secret has another value since,
 * only another containment takes it away.
 */
export function owesAtOnce(state: SecretState): boolean {
  return state.contained?.owes === true && holdsContained(state)
}
