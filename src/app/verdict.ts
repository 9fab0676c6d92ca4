import {
  type SecretState,
  type SessionsLeft,
  type Unwritten as Owed,
  openContainment,
} from "../core/state.ts"
import { sayUnwritten } from "../core/unwritten.ts"
import { type Revoked, isNothingNew } from "../rotate/revoke.ts"
import type { Session } from "../rotate/session.ts"
import type { Outcomes } from "../rotate/work.ts"

/**
 * How one secret stands to the containment that it was chosen for. The last line, the exit code and
 * --json all say this.
 */
export type Verdict =
  | {
      readonly is: "contained"
      readonly version: string /** By an earlier run. */
      readonly before?: true
      readonly unhealthy?: string
      readonly unwritten?: Unwritten
    }
  /**
   * No value but the new one is accepted; sessions that were opened before may live, and nothing
   * here can end them.
   */
  | {
      readonly is: "contained-for-new-logins"
      readonly version: string
      readonly before?: true
      readonly unhealthy?: string
      readonly unwritten?: Unwritten
      readonly sessions: SessionsLeft
    }
  /** It was deleted: nothing of it is left here. */
  | { readonly is: "nothing-to-contain"; readonly says: string }
  | {
      readonly is: "not-contained"
      readonly code: string
      readonly says: string
      readonly hint?: string
    }
/**
 * It is contained at its service all the same: outputs that could not be written, and programs that
 * hold a dead value for it.
 */
type Unwritten = Pick<Owed, "outputs" | "programs">
export type Verdicts = Readonly<Record<string, Verdict>>

type Done = {
  readonly incident: string
  readonly outcomes: Outcomes
  readonly revoked: readonly Revoked[]
  readonly before: readonly string[]
  readonly unhealthy: Readonly<Record<string, string>>
}

/**
 * What the run has seen comes first: it is known even where it could not be written down. The rest
 * is what the state says.
 */
export function verdictOf(
  session: Session,
  name: string,
  { incident, outcomes, revoked, before, unhealthy }: Done,
): Verdict {
  const outcome = outcomes[name]
  if (outcome !== undefined && outcome.is !== "rotated")
    return notContained(
      outcome.is === "left" ? outcome : { code: outcome.code, says: outcome.says },
    )
  const alive = revoked.find(
    (one) => one.secret === name && one.death.is !== "dead" && !isNothingNew(session, one),
  )?.death
  if (alive !== undefined && alive.is !== "dead") return notContained(alive)
  if (session.isOpen(name))
    return notContained({ code: "journal-open", says: "its rotation is not finished" })
  const state = session.state(name)
  if (isErased(state)) return { is: "nothing-to-contain", says: "it was deleted" }
  const open = openContainment(state)
  if (open !== undefined) return notContained({ code: open.code, ...whyOpen(state, open.code) })
  const { contained } = state
  if (contained?.incident !== incident)
    return notContained({ code: "not-contained", says: "nothing was done for it yet" })
  const sick = unhealthy[name] ?? (outcome?.is === "rotated" ? outcome.unhealthy : undefined)
  const base = {
    version: contained.version,
    ...(before.includes(name) ? { before: true as const } : {}),
    ...(sick === undefined ? {} : { unhealthy: sick }),
    ...(state.unwritten === undefined ? {} : { unwritten: owedOf(state.unwritten) }),
  }
  return contained.sessions === undefined
    ? { is: "contained", ...base }
    : { is: "contained-for-new-logins", ...base, sessions: contained.sessions }
}

function owedOf({ outputs, programs }: Owed): Unwritten {
  return { outputs, programs }
}

function whyOpen(
  { unwritten }: SecretState,
  code: string,
): { readonly says: string; readonly hint?: string } {
  if (code === "not-contained") return { says: "nothing was done for it yet" }
  if (code !== "output-owed" || unwritten === undefined)
    return { says: "what was accepted before is not taken away yet" }
  const [hint] = Object.values(unwritten.outputs).flatMap((one) => one.hint ?? [])
  return { says: sayUnwritten(unwritten), ...(hint === undefined ? {} : { hint }) }
}

/** Nor does a containment make a login anew that a person has ended. */
export function isErased({ erased, versions, uncontained }: SecretState): boolean {
  return erased !== undefined && versions.length === 0 && uncontained === undefined
}

export function notContained({
  code,
  says,
  hint,
}: {
  readonly code: string
  readonly says: string
  readonly hint?: string
}): Verdict {
  return { is: "not-contained", code, says, ...(hint === undefined ? {} : { hint }) }
}
