import { present } from "../base/present.ts"
import { formatDuration } from "../base/text/duration.ts"
import type { ChangeSet } from "../core/change-set.ts"
import { openSetOf, openSets } from "../core/change-set.ts"
import { harmOf, sayJournal } from "../core/held-up.ts"
import { believableState } from "../core/instants.ts"
import type { SecretState, StateDocument } from "../core/state.ts"
import { owingIn, sayUnwritten } from "../core/unwritten.ts"
import { driftedIn, sayDrifted } from "./drifted.ts"
import { nextDue } from "./due.ts"
import type { PlannedSecret } from "./planned-secret.ts"
import type { Schedule } from "./schedule.ts"
import { sayNotContained, uncontainedSecrets } from "./uncontained.ts"

/** What is wrong in an environment by its state; pure. People are told when it begins and ends. */

export type TroubleKind =
  /** A rotation or a revoke failed; the service tries again by itself. */
  | "failed"
  /** Older than allowed, and its scheduled time has passed. */
  | "late"
  /** Only a person can end it. */
  | "person"
  | "drift"
  | "not-contained"
  /** An output that an incident left unwritten. */
  | "owed"

export type Trouble = {
  readonly kind: TroubleKind
  /** Left out: the whole environment. */
  readonly secret?: string
  readonly code: string
  /** For people; never a value. */
  readonly message: string
}

/** One trouble, however its words change from look to look. */
export function keyOf({ kind, secret = "", code }: Trouble): string {
  return `${kind} ${secret} ${code}`
}

export type TroublesOf = {
  readonly environment: string
  readonly secrets: readonly Pick<PlannedSecret, "name" | "rotateEveryMs">[]
  readonly schedule: Schedule
}

/** A service that was off for a while catches up within minutes. */
const lateMs = 3_600_000
/** A rotation that is at work for that long is not at work. */
const openMs = 900_000

export function troublesOf(
  document: StateDocument | undefined,
  { environment, secrets, schedule }: TroublesOf,
  now: Date,
): readonly Trouble[] {
  if (document === undefined) return []
  const listed = Object.fromEntries(secrets.map((one) => [one.name, one]))
  return [
    ...uncontainedSecrets(document, now).map(
      ({ secret, ...left }): Trouble => ({
        kind: "not-contained",
        secret,
        code: "not-contained",
        message: sayNotContained(left),
      }),
    ),
    ...driftedIn(document, listed, now).map(
      ({ secret, ...drift }): Trouble => ({
        kind: "drift",
        secret,
        code: "current-refused",
        message: sayDrifted(drift),
      }),
    ),
    ...owingIn(document).map(
      ({ secret, ...owing }): Trouble => ({
        kind: "owed",
        secret,
        code: "output-owed",
        message: sayUnwritten(owing),
      }),
    ),
    ...openSets(document).flatMap((set) => openTroubles(environment, set, now)),
    ...secrets.flatMap((secret) => secretTroubles(document, secret, { schedule, now })),
  ]
}

/** A rotation that has stayed open. */
function openTroubles(environment: string, set: ChangeSet, now: Date): readonly Trouble[] {
  const isStuck = (set.stuck ?? []).length > 0
  const isLong = now.getTime() - Date.parse(set.startedAt) > openMs
  if (!isStuck && !isLong) return []
  const message = [sayJournal(environment, set), ...harmOf(environment, set)].join("; ")
  const [secret] = set.secrets
  return [
    {
      kind: isStuck ? "person" : "failed",
      ...present({ secret }),
      code: isStuck ? "rotation-stuck" : "rotation-open",
      message: `a rotation of ${set.startedAt.slice(0, 19)}Z is not finished: ${message}`,
    },
  ]
}

type At = { readonly schedule: Schedule; readonly now: Date }

function secretTroubles(
  document: StateDocument,
  { name, rotateEveryMs }: TroublesOf["secrets"][number],
  { schedule, now }: At,
): readonly Trouble[] {
  const written = document.secrets[name]
  if (written === undefined) return []
  const state = believableState(written, now)
  const found: Trouble[] = []
  const add = (kind: TroubleKind, code: string, message: string): void =>
    void found.push({ kind, secret: name, code, message })
  if (state.unhealthy !== undefined)
    add("person", "deployment-unhealthy", `${state.unhealthy.message}: see to that program`)
  if (state.retry !== undefined) add("failed", state.retry.code, state.retry.message)
  for (const id of overdueRevokes(state, now))
    add("failed", "revoke-owed", `${id} should be dead, and may still be accepted`)
  const due = rotateEveryMs === null ? undefined : nextDue(schedule, state, rotateEveryMs)
  const overMs = due === undefined ? 0 : now.getTime() - due.getTime()
  if (overMs > lateMs && openSetOf(document, name) === undefined && state.drift === undefined)
    add("late", "rotation-overdue", `was due ${formatDuration(hours(overMs))} ago`)
  return found
}

/** Words that change each second would be news each second. */
function hours(ms: number): number {
  return Math.floor(ms / 3_600_000) * 3_600_000
}

function overdueRevokes(state: SecretState, now: Date): readonly string[] {
  return state.versions.flatMap(({ id, stage }) =>
    stage.kind === "previous" && now.getTime() - Date.parse(stage.revokeAt) > openMs ? [id] : [],
  )
}
