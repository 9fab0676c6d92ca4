import { present } from "../base/present.ts"
import type { Credential, Probe } from "../core/ports.ts"
import { driverOf, probe, probeControl, unclear } from "./ask.ts"
import type { Session } from "./session.ts"
import { settle, unsettled } from "./settle.ts"

/** Recovery asks; it never guesses. What a service answers about the versions of one secret. */
export type Answer = {
  readonly pending: Probe
  /** "none": the secret has no current version; its first value is on its way. */
  readonly current: Probe | "none"
  /** Another version that is accepted while neither of these is. */
  readonly other?: string
  /**
   * Every value that was asked for is refused, so no login can show whether an earlier act is still
   * under way: nothing counts as dead by it.
   */
  readonly lost?: true
  readonly code?: string
  readonly message?: string
}

/**
 * Settles, tries a wrong value, then asks for pending, for current, and, where both are refused,
 * for the rest.
 */
export async function ask(session: Session, name: string, waiting?: AbortSignal): Promise<Answer> {
  const versions = await session.versions(name)
  const { pending, current } = versions
  if (pending === undefined) throw new Error(`${name}: nothing pending`)
  const unknown = { pending: "unknown", current: "unknown" } as const
  const known = [pending, ...(current ? [current] : [])]
  if (!(await settle(session, name, known, waiting)))
    return {
      ...unknown,
      ...unsettled(session, name),
      ...(await lost(session, name, known, waiting)),
    }

  const control = await probeControl(session, name, current ?? pending, waiting)
  if (control === "accepted")
    return {
      ...unknown,
      code: "accepts-anything",
      message: "the service accepts a random wrong value, so no login proves anything",
    }
  if (control === "unknown")
    return {
      ...unknown,
      code: "no-answer",
      message: unclear(session, name),
      ...faultOf(session, name),
    }

  const answer = {
    pending: await probe(session, name, pending, waiting),
    current: current ? await probe(session, name, current, waiting) : ("none" as const),
  }
  if (answer.pending === "accepted") session.learn(name, "new")
  else if (answer.pending === "refused" && answer.current === "accepted")
    session.learn(name, "former")
  if (answer.pending !== "refused" || answer.current !== "refused") return answer
  const other = await firstAccepted(session, name, waiting)
  return other === undefined ? answer : { ...answer, other }
}

function faultOf(session: Session, name: string): Pick<Answer, "code" | "message"> {
  const fault = session.faults.get(name)
  return fault === undefined ? {} : { code: fault.code, message: fault.message }
}

/**
 * A service that only has to be waited for is asked again; where no login is left to look by, a
 * person has to help.
 */
async function lost(
  session: Session,
  name: string,
  known: readonly Credential[],
  waiting: AbortSignal | undefined,
): Promise<Pick<Answer, "lost" | "other">> {
  const [first] = known
  if (
    driverOf(session, name).settleMs !== undefined ||
    first === undefined ||
    (await probeControl(session, name, first, waiting)) !== "refused"
  )
    return {}
  for (const one of known) if ((await probe(session, name, one, waiting)) !== "refused") return {}
  const other = await firstAccepted(session, name, waiting)
  return { lost: true, ...present({ other }) }
}

/**
 * At most three further versions are tried, the youngest first: services lock out and raise alarms.
 */
async function firstAccepted(
  session: Session,
  name: string,
  waiting: AbortSignal | undefined,
): Promise<string | undefined> {
  const others = session
    .state(name)
    .versions.filter(
      (version) => version.stage.kind !== "pending" && version.stage.kind !== "current",
    )
  for (const version of others.reverse().slice(0, 3)) {
    if ((await probe(session, name, await session.open(name, version.id), waiting)) === "accepted")
      return version.id
  }
  return undefined
}
