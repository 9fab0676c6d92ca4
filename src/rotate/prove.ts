import { AppError, describeError } from "../base/error.ts"
import { present } from "../base/present.ts"
import { driverOf, probe, unclear } from "./ask.ts"
import { type Answer, ask } from "./ask-versions.ts"
import { changeAt } from "./at-service.ts"
import { settle, unsettled } from "./settle.ts"
import { overrules } from "./overrule.ts"
import type { Session } from "./session.ts"
import { applyTries, deadlines } from "./work.ts"

/** What is known of one member after it was applied, or asked. */
export type Verdict =
  | { readonly kind: "proven"; readonly acceptedAt?: string }
  /** The service holds the current value and refuses ours: the secret leaves the set unharmed. */
  | {
      readonly kind: "left"
      readonly code: string
      readonly message: string
      readonly dead: boolean
    }
  | { readonly kind: "waiting"; readonly code: string; readonly message: string }
  | { readonly kind: "stuck"; readonly code: string; readonly message: string }

export type Proving = {
  /** Nothing was handed out before. */
  readonly fresh: boolean
  /** When it is over, nothing is waited for any longer, and nothing more is done. */
  readonly waiting: AbortSignal
  /** The service has taken the value; the login that proves it follows. */
  readonly applied?: (name: string, acceptedAt: string | undefined) => void
}

/** Makes the service accept the pending value of `name` and proves it by a login. */
export async function applyAndProve(
  session: Session,
  name: string,
  options: Proving,
): Promise<Verdict> {
  const { fresh, waiting } = options
  if (driverOf(session, name).overlap === "none") return { kind: "proven" }
  if (fresh && !(await isSettled(session, name, waiting)))
    return { kind: "waiting", ...unsettled(session, name) }
  let last: { code: string; message: string } = {
    code: "not-accepted",
    message: "the service does not accept the new value",
  }
  for (let tries = 0; tries < applyTries; tries++) {
    if (!fresh || tries > 0) {
      const verdict = judge(await asked(session, name, waiting), mayTakeOver(session, name))
      if (verdict !== "again") return dated(session, name, verdict, options)
    }
    // The stop came before the change: no program is cut off yet, and none is to be.
    if (session.work.stop.aborted && driverOf(session, name).overlap === "one")
      return { kind: "waiting", ...notBegun }
    const applied = await apply(session, name, { ...options, again: tries })
    if ("acceptedAt" in applied)
      return {
        kind: "proven",
        ...present({ acceptedAt: applied.acceptedAt }),
      }
    last = applied
  }
  const answer = await asked(session, name, waiting)
  const verdict = judge(answer, mayTakeOver(session, name))
  if (verdict === "again" && answer.current === "refused") return { kind: "stuck", ...last }
  // A refusal is a death only with its counter-proof: the same login works with the current value.
  return verdict === "again"
    ? { kind: "left", ...last, dead: answer.current === "accepted" }
    : dated(session, name, verdict, options)
}

/** With what the service said, where only the last question had no clear answer. */
async function asked(session: Session, name: string, waiting: AbortSignal): Promise<Answer> {
  const answer = await ask(session, name, waiting)
  const isUnclear = answer.pending === "unknown" || answer.current === "unknown"
  return isUnclear && answer.message === undefined
    ? { ...answer, message: unclear(session, name) }
    : answer
}

const notBegun = {
  code: "stopped",
  message: "interrupted before its service was told of the new value",
} as const

/**
 * Only a containment begins while older values are owed a revoke: one that an earlier run was
 * killed in must not land on the new value.
 */
async function isSettled(session: Session, name: string, waiting: AbortSignal): Promise<boolean> {
  const { current, previous, uncertain } = await session.versions(name)
  const owed = [...(previous === undefined ? [] : [previous]), ...uncertain]
  if (owed.length === 0) session.settled.add(name)
  return (
    session.settled.has(name) ||
    settle(session, name, [...(current === undefined ? [] : [current]), ...owed], waiting)
  )
}

/**
 * Since when the service has the value was in a reply that a crash has lost, and by it older
 * sessions are told. The same value again changes nothing and is answered with the time; no program
 * holds the value yet, so no session of it is older.
 */
async function dated(
  session: Session,
  name: string,
  verdict: Verdict,
  options: Proving,
): Promise<Verdict> {
  const ends = session.work.policies[name]?.endSessions === true || session.strategy.endsSessions
  if (verdict.kind !== "proven" || !ends) return verdict
  const applied = await apply(session, name, { ...options, again: 0 })
  return "acceptedAt" in applied && applied.acceptedAt !== undefined
    ? { ...verdict, acceptedAt: applied.acceptedAt }
    : verdict
}

/** One try: apply, then log in. What fails is only noted; the next step asks the service. */
async function apply(
  session: Session,
  name: string,
  { waiting, applied, again }: Proving & { readonly again: number },
): Promise<
  { readonly acceptedAt: string | undefined } | { readonly code: string; readonly message: string }
> {
  const driver = driverOf(session, name)
  const versions = await session.versions(name)
  const pending = versions.pending
  if (pending === undefined) throw new AppError("internal", `${name}: nothing pending`)
  const { overrulesService: contain } = session.strategy
  try {
    session.work.onProgress("apply", driver.describe(versions), name)
    if (driver.overlap === "one") session.learn(name, "either")
    const { acceptedAt } = await changeAt(
      session,
      name,
      { ms: deadlines.apply, waiting },
      (signal) => driver.apply(pending, versions, signal, { contain, again }),
    )
    applied?.(name, acceptedAt)
    session.work.onProgress("verify", "a login with the new value", name)
    const answer = await probe(session, name, pending, waiting)
    if (answer === "accepted") {
      session.learn(name, "new")
      return { acceptedAt }
    }
    return {
      code: answer === "refused" ? "not-accepted" : "no-answer",
      message:
        answer === "refused"
          ? "the service refuses the new value"
          : unclear(session, name, "the service does not answer a login"),
    }
  } catch (error) {
    return describeError(error)
  }
}

/**
 * In an incident an intruder may have set what the service takes now; with an admin it is replaced
 * all the same.
 */
function mayTakeOver(session: Session, name: string): boolean {
  return session.strategy.overrulesService && overrules(driverOf(session, name))
}

/** The recovery table of a way forward. */
function judge(answer: Answer, takeOver: boolean): Verdict | "again" {
  if (answer.lost === true) return lostTrack(answer)
  if (answer.pending === "accepted") return { kind: "proven" }
  if (answer.pending === "unknown")
    return {
      kind: "waiting",
      code: answer.code ?? "no-answer",
      message: answer.message ?? "the service gives no clear answer",
    }
  if (answer.current === "accepted" || answer.current === "none") return "again"
  if (answer.current === "unknown")
    return {
      kind: "waiting",
      code: "no-answer",
      message: answer.message ?? "the service gives no clear answer",
    }
  return takeOver ? "again" : lostTrack(answer)
}

/** Neither pending nor current is accepted: a person must look. */
export function lostTrack(answer: Answer): Extract<Verdict, { readonly kind: "stuck" }> {
  if (answer.other !== undefined)
    return {
      kind: "stuck",
      code: "drifted",
      message: `the service accepts ${answer.other}, neither the current nor the new value`,
    }
  return {
    kind: "stuck",
    code: "stuck",
    message:
      "the service refuses every value that we know: a person has changed it there, or the login is off",
  }
}
