import { AppError, describeError } from "../base/error.ts"
import { within } from "../base/deadline.ts"
import { present } from "../base/present.ts"
import type { Credential, Driver, Probe } from "../core/ports.ts"
import { Secret } from "../core/secret.ts"
import { openSetOf } from "../core/state.ts"
import { hiddenActOf } from "./elsewhere.ts"
import type { Session } from "./session.ts"
import { strategyOf } from "./strategy.ts"
import { deadlines, isOutOfSight } from "./work.ts"

/** Recovery asks; it never guesses. What a service answers about the versions of one secret. */
export type Answer = {
  readonly pending: Probe
  /** "none": the secret has no current version; its first value is on its way. */
  readonly current: Probe | "none"
  /** Another version of ours that is accepted while neither of these is. */
  readonly other?: string
  /**
   * Every value that was asked for is refused, so nobody can look whether an earlier act of ours is
   * still under way: nothing is dead by it.
   */
  readonly lost?: true
  readonly code?: string
  readonly message?: string
}

export const notSettled = {
  code: "not-settled",
  message: "an earlier act of ours may still be under way at the service",
} as const

/** Nobody answered: by that nothing is known, and a further question would get no answer either. */
export function isSilence(code: string): boolean {
  return code === "timeout" || code === "unreachable" || code === "no-answer"
}

/** That no login tells anything, with what the service said, where it said something. */
export function unclear(session: Session, name: string, message = noClearAnswer): string {
  const heard = session.heard.get(name)
  return heard === undefined ? message : `${message}: ${heard}`
}
const noClearAnswer = "the service gives no clear answer"

/** Why the last try has settled nothing there. */
export function unsettled(
  session: Session,
  name: string,
): { readonly code: string; readonly message: string } {
  return session.unsettled.get(name) ?? notSettled
}

/** One act at the service of `name`, in its turn, with its deadline (ms) from then on. */
export function atService<T>(
  session: Session,
  name: string,
  ms: number,
  act: (signal: AbortSignal) => Promise<T>,
  waiting?: AbortSignal,
): Promise<T> {
  return session.work.withServerSlot(name, async () => {
    session.acts.set(name, {})
    try {
      return await within(ms, act, waiting, session.work.forceStop).catch((error: unknown) =>
        Promise.reject(silentAt(session.work.serverOf(name), error)),
      )
    } finally {
      session.acts.delete(name)
    }
  })
}

/** A server that speaks another protocol often says nothing at all. */
function silentAt(server: string | undefined, error: unknown): unknown {
  if (
    server === undefined ||
    !(error instanceof AppError) ||
    error.code !== "timeout" ||
    error.message.includes(server)
  )
    return error
  return new AppError("timeout", `${error.message} from ${server}`, {
    remedy: error.remedy,
    hint:
      error.hint ??
      "see that it runs, and that this is its port: what speaks another protocol there says nothing",
  })
}

/** An act that changes something there: without an answer, it may land later. */
export async function changeAt<T>(
  session: Session,
  name: string,
  ms: number,
  act: (signal: AbortSignal) => Promise<T>,
  waiting?: AbortSignal,
): Promise<T> {
  try {
    return await atService(session, name, ms, act, waiting)
  } catch (error) {
    session.settled.delete(name)
    throw error
  }
}

/** One probe with its deadline; what goes wrong on the way is "unknown", never "refused". */
export async function probe(
  session: Session,
  name: string,
  candidate: Credential,
  waiting?: AbortSignal,
): Promise<Probe> {
  const driver = driverOf(session, name)
  session.faults.delete(name)
  session.heard.delete(name)
  try {
    return await atService(
      session,
      name,
      deadlines.probe,
      (signal) =>
        driver.probe(candidate, signal, ({ code, message }) =>
          session.heard.set(name, `${message} (${code})`),
        ),
      waiting,
    )
  } catch (error) {
    if (error instanceof AppError && error.remedy !== "retry")
      session.faults.set(name, describeError(error))
    return "unknown"
  }
}

function faultOf(session: Session, name: string): Pick<Answer, "code" | "message"> {
  const fault = session.faults.get(name)
  return fault === undefined ? {} : { code: fault.code, message: fault.message }
}

/** The same login with a random wrong value: a service that accepts it proves nothing. */
export async function probeControl(
  session: Session,
  name: string,
  like: Credential,
  waiting?: AbortSignal,
): Promise<Probe> {
  const fields: Record<string, string | Secret> = {}
  for (const [field, value] of Object.entries(like.fields))
    fields[field] = value instanceof Secret ? session.work.text(field) : value
  return probe(session, name, { version: "control", fields }, waiting)
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

/** False where it cannot be known yet whether an act of before may still land. */
export async function settle(
  session: Session,
  name: string,
  known: readonly Credential[],
  waiting?: AbortSignal,
): Promise<boolean> {
  const driver = driverOf(session, name)
  session.unsettled.delete(name)
  const hidden = hiddenActOf(session, name)
  if (hidden !== undefined) {
    session.unsettled.set(name, hidden)
    return false
  }
  try {
    const pending = await opening(session, name)
    const isSettled = await atService(
      session,
      name,
      deadlines.settle + (driver.settleMs ?? 0),
      (signal) => driver.settle(known, signal, pending === undefined ? {} : { pending }),
      waiting,
    )
    if (isSettled) session.settled.add(name)
    return isSettled
  } catch (error) {
    // A server that is down is no lock that someone holds: it is asked again soon. Any other
    // refusal waits for a person.
    const { code, message } = describeError(error)
    session.unsettled.set(
      name,
      isSilence(code) || isOutOfSight(code)
        ? { code, message }
        : {
            code: notSettled.code,
            message: `${notSettled.message}, and it cannot be asked: ${message} (${code})`,
          },
    )
    return false
  }
}

/** The value that opens a login which was kept shut. */
async function opening(session: Session, name: string): Promise<Credential | undefined> {
  if (!strategyOf(openSetOf(session.document, name)).shutsLogins) return undefined
  return (await session.versions(name)).pending
}

export function driverOf(session: Session, name: string): Driver {
  const driver = session.work.drivers[name]
  if (driver === undefined)
    throw new AppError(
      "secret-unknown",
      `${session.work.environment}/${name} is in the state but not in the config`,
    )
  return driver
}
