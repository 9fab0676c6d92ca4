import { present } from "../base/present.ts"
import { containedFor } from "../core/contained.ts"
import { type Leaked, renderLeaked, sayLeaked } from "./shown-leaked.ts"
import type { Answer, Asked } from "./ask-held.ts"
import { endLeftBehind, sayLeftBehind, serverLeft, unaskedIn } from "../core/places.ts"
import type { SecretState, SessionsLeft, Uncontained, Unwritten as Owed } from "../core/state.ts"
import { compromisedAgain, openContainment } from "../core/open-containment.ts"
import { endGone, sayUnwritten } from "../core/unwritten.ts"
import type { Revoked } from "../rotate/revoke/revoked.ts"
import { isNothingNew } from "../rotate/revoke/note.ts"
import type { Session } from "../rotate/session.ts"
import type { Outcomes } from "../rotate/work.ts"

/**
 * How one secret stands to the containment that it was chosen for. The last line, the exit code and
 * --json all say this.
 */
export type ContainmentVerdict =
  | {
      readonly kind: "contained"
      readonly version: string
      /** By an earlier run. */
      readonly before?: true
      readonly asked?: Answer
      /** A later incident, in which it was contained. */
      readonly by?: string
      readonly unhealthy?: string
      readonly unwritten?: Unwritten
      readonly shows?: readonly Leaked[]
    }
  /**
   * No value but the new one is accepted; sessions that were opened before may live, and nothing
   * here can end them.
   */
  | {
      readonly kind: "contained-for-new-logins"
      readonly version: string
      readonly before?: true
      readonly asked?: Answer
      readonly by?: string
      readonly unhealthy?: string
      readonly unwritten?: Unwritten
      readonly shows?: readonly Leaked[]
      readonly sessions: SessionsLeft
    }
  /** It was deleted: nothing of it is left here. */
  | { readonly kind: "nothing-to-contain"; readonly message: string }
  | {
      readonly kind: "not-contained"
      readonly code: string
      readonly message: string
      readonly hint?: string
    }
/**
 * It is contained at its service all the same: outputs that could not be written, and programs that
 * hold a dead value for it.
 */
type Unwritten = Pick<Owed, "outputs" | "programs" | "gone">
export type ContainmentVerdicts = Readonly<Record<string, ContainmentVerdict>>

type Done = {
  readonly incident: string
  readonly outcomes: Outcomes
  readonly revoked: readonly Revoked[]
  readonly before: readonly string[]
  readonly asked: Asked
  readonly unhealthy: Readonly<Record<string, string>>
  readonly shows: readonly Leaked[]
}

/**
 * What the run has seen comes first: it is known even where it could not be written down. The rest
 * is what the state says.
 */
export function verdictOf(session: Session, name: string, done: Done): ContainmentVerdict {
  const { incident, outcomes, revoked, shows } = done
  const outcome = outcomes[name]
  if (outcome !== undefined && outcome.kind !== "rotated")
    return uncontainedSecrets(
      outcome.kind === "left" ? outcome : { code: outcome.code, message: outcome.message },
    )
  const alive = revoked.find(
    (one) => one.secret === name && one.death.kind !== "dead" && !isNothingNew(session, one),
  )?.death
  if (alive !== undefined && alive.kind !== "dead") return uncontainedSecrets(alive)
  if (session.isOpen(name))
    return uncontainedSecrets({ code: "journal-open", message: "its rotation is not finished" })
  const state = session.state(name)
  if (isErased(state)) return { kind: "nothing-to-contain", message: "it was deleted" }
  const open = openContainment(state)
  if (open !== undefined)
    return uncontainedSecrets({
      code: open.code,
      ...whyOpen(state, open, `${session.work.environment}/${name}`),
    })
  const contained = containedFor(state, incident)
  if (contained === undefined)
    return uncontainedSecrets({ code: "not-contained", message: "nothing was done for it yet" })
  const first = shows.find((one) => one.secret === name)
  // No service refuses it: what starts now takes the value that leaked.
  if (first !== undefined && session.work.drivers[name]?.overlap === "none")
    return uncontainedSecrets({
      code: "output-stale",
      message: sayLeaked(first),
      hint: renderLeaked(session.work.environment),
    })
  return containedVerdict(state, contained, name, done)
}

type Contained = Extract<ContainmentVerdict, { readonly kind: "contained" }>

/** No value but the new one is accepted: what is to be said beside that. */
function containedVerdict(
  { unwritten }: SecretState,
  contained: NonNullable<SecretState["contained"]>,
  name: string,
  { incident, outcomes, before, asked, unhealthy, shows: all }: Done,
): ContainmentVerdict {
  const outcome = outcomes[name]
  const whyUnhealthy =
    unhealthy[name] ?? (outcome?.kind === "rotated" ? outcome.unhealthy : undefined)
  const shows = all.filter((one) => one.secret === name)
  const base: Omit<Contained, "kind"> = {
    version: contained.version,
    ...(before.includes(name) ? { before: true as const, ...present({ asked: asked[name] }) } : {}),
    ...present({
      by: contained.incident === incident ? undefined : contained.incident,
      unhealthy: whyUnhealthy,
      shows: shows.length === 0 ? undefined : shows,
      unwritten: unwritten && owedOf(unwritten),
    }),
  }
  return contained.sessions === undefined
    ? { kind: "contained", ...base }
    : { kind: "contained-for-new-logins", ...base, sessions: contained.sessions }
}

function owedOf({ outputs, programs, gone }: Owed): Unwritten {
  return { outputs, programs, ...present({ gone }) }
}

function whyOpen(
  state: SecretState,
  { code, incident }: Uncontained,
  place: string,
): { readonly message: string; readonly hint?: string } {
  const { unwritten } = state
  const [environment = ""] = place.split("/")
  const left = unaskedIn(state)
  if (code === serverLeft)
    return {
      message: sayLeftBehind(left),
      hint: endLeftBehind(
        environment,
        left,
        `mycelium rotate-now ${place} --contain --incident ${incident}`,
      ),
    }
  if (code === "not-contained") return { message: "nothing was done for it yet" }
  if (code === compromisedAgain.code) return { message: compromisedAgain.message }
  if (code !== "output-owed" || unwritten === undefined)
    return { message: "what was accepted before is not taken away yet" }
  const [hint] = Object.values(unwritten.outputs).flatMap((one) => one.hint ?? [])
  const { gone } = unwritten
  const way = gone === undefined ? hint : endGone(environment, gone)
  return { message: sayUnwritten(unwritten), ...present({ hint: way }) }
}

/** Nor does a containment make a login anew that a person has ended. */
export function isErased({ erased, versions, uncontained }: SecretState): boolean {
  return erased !== undefined && versions.length === 0 && uncontained === undefined
}

export function uncontainedSecrets({
  code,
  message,
  hint,
}: {
  readonly code: string
  readonly message: string
  readonly hint?: string
}): ContainmentVerdict {
  return { kind: "not-contained", code, message, ...present({ hint }) }
}
