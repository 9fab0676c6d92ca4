import { present } from "../base/present.ts"
import { formatDuration } from "../base/text/duration.ts"
import type { ChangeSet } from "../core/change-set.ts"
import { openSetOf, openSets } from "../core/change-set.ts"
import { formerDriver, sayChanged } from "../core/changed-driver.ts"
import { harmOf, heldRevoke, sayJournal, sayRevokeHeld } from "../core/held-up.ts"
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
  readonly secrets: readonly (Pick<PlannedSecret, "name" | "rotateEveryMs"> &
    Partial<Pick<PlannedSecret, "driver">>)[]
  readonly schedule: Schedule
}

/** A service that was off for a while catches up within minutes. */
const lateMs = 3_600_000
/** A rotation that is at work for that long is not at work. */
const openMs = 900_000

export function troublesOf(
  document: StateDocument | undefined,
  of: TroublesOf,
  now: Date,
): readonly Trouble[] {
  return foreseenTroubles(document, of, now).flatMap(({ from, ...trouble }) =>
    from < now.getTime() ? [trouble] : [],
  )
}

/** `from`: when it is one, as long as the state stays as it is. */
export type Foreseen = Trouble & { readonly from: number }

/** Also those that time alone will bring. */
export function foreseenTroubles(
  document: StateDocument | undefined,
  { environment, secrets, schedule }: TroublesOf,
  now: Date,
): readonly Foreseen[] {
  if (document === undefined) return []
  return [
    ...presentTroubles(document, secrets, now).map((one) => ({ ...one, from: already })),
    ...openSets(document).flatMap((set) => openTroubles(environment, set)),
    ...secrets.flatMap((secret) => secretTroubles(document, secret, { schedule, now })),
  ]
}

const already = Number.NEGATIVE_INFINITY

function presentTroubles(
  document: StateDocument,
  secrets: TroublesOf["secrets"],
  now: Date,
): readonly Trouble[] {
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
    ...secrets.flatMap(({ name, driver }): readonly Trouble[] => {
      const was = formerDriver(document.secrets[name], driver)
      if (was === undefined || driver === undefined) return []
      const message = sayChanged({ was, now: driver })
      return [{ kind: "person", secret: name, code: "driver-differs", message }]
    }),
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
  ]
}

/** A rotation that has stayed open. */
function openTroubles(environment: string, set: ChangeSet): readonly Foreseen[] {
  const isStuck = (set.stuck ?? []).length > 0
  const message = [sayJournal(environment, set), ...harmOf(environment, set)].join("; ")
  const [secret] = set.secrets
  return [
    {
      kind: isStuck ? "person" : "failed",
      ...present({ secret }),
      code: isStuck ? "rotation-stuck" : "rotation-open",
      message: `a rotation of ${set.startedAt.slice(0, 19)}Z is not finished: ${message}`,
      from: isStuck ? already : Date.parse(set.startedAt) + openMs,
    },
  ]
}

type At = { readonly schedule: Schedule; readonly now: Date }

function secretTroubles(
  document: StateDocument,
  { name, rotateEveryMs }: TroublesOf["secrets"][number],
  { schedule, now }: At,
): readonly Foreseen[] {
  const written = document.secrets[name]
  if (written === undefined) return []
  const state = believableState(written, now)
  const found: Foreseen[] = []
  const add = (trouble: Pick<Trouble, "kind" | "code" | "message">, from: number = already): void =>
    void found.push({ ...trouble, secret: name, from })
  if (state.unhealthy !== undefined) {
    const message = `${state.unhealthy.message}: see to that program`
    add({ kind: "person", code: "deployment-unhealthy", message })
  }
  if (state.retry !== undefined) {
    const { code, message } = state.retry
    add({ kind: "failed", code, message })
  }
  for (const { id, from } of revokesOf(state)) {
    const why = heldRevoke(state, id)
    const because = why === undefined ? "" : `; ${sayRevokeHeld(why)}`
    const message = `${id} should be dead, and may still be accepted${because}`
    add({ kind: "failed", code: "revoke-owed", message }, from)
  }
  const due = rotateEveryMs === null ? undefined : nextDue(schedule, state, rotateEveryMs)
  if (due !== undefined && openSetOf(document, name) === undefined && state.drift === undefined) {
    const message = `was due ${formatDuration(hours(now.getTime() - due.getTime()))} ago`
    add({ kind: "late", code: "rotation-overdue", message }, due.getTime() + lateMs)
  }
  return found
}

/** Words that change each second would be news each second. */
function hours(ms: number): number {
  return Math.max(0, Math.floor(ms / 3_600_000)) * 3_600_000
}

function revokesOf(state: SecretState): readonly { readonly id: string; readonly from: number }[] {
  return state.versions.flatMap(({ id, stage }) =>
    stage.kind === "previous" ? [{ id, from: Date.parse(stage.revokeAt) + openMs }] : [],
  )
}
