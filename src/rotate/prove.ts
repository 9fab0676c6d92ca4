import { AppError } from "../base/error.ts"
import {
  type Answer,
  ask,
  changeAt,
  driverOf,
  probe,
  said,
  settle,
  unclear,
  unsettled,
} from "./ask.ts"
import { overrules } from "./overrule.ts"
import type { Session } from "./session.ts"
import { applyTries, deadlines } from "./work.ts"

/** What is known of one member after it was applied, or asked. */
export type Verdict =
  | { readonly is: "proven"; readonly acceptedAt?: string }
  /** The service holds the current value and refuses ours: the secret leaves the set unharmed. */
  | { readonly is: "left"; readonly code: string; readonly says: string; readonly dead: boolean }
  | { readonly is: "waiting"; readonly code: string; readonly says: string }
  | { readonly is: "stuck"; readonly code: string; readonly says: string }

export type Proving = {
  /** Nothing was handed out before. */
  readonly fresh: boolean
  /** When it is over, nothing is waited for any longer, and nothing more is done. */
  readonly patience: AbortSignal
  /** The service has taken the value; the login that proves it follows. */
  readonly applied?: (name: string, acceptedAt: string | undefined) => void
}

/** Makes the service accept the pending value of `name` and proves it by a login. */
export async function applyAndProve(
  session: Session,
  name: string,
  how: Proving,
): Promise<Verdict> {
  const { fresh, patience } = how
  if (driverOf(session, name).overlap === "none") return { is: "proven" }
  if (fresh && !(await isQuiet(session, name, patience)))
    return { is: "waiting", ...unsettled(session, name) }
  let last: { code: string; says: string } = {
    code: "not-accepted",
    says: "the service does not accept the new value",
  }
  for (let tries = 0; tries < applyTries; tries++) {
    if (!fresh || tries > 0) {
      const verdict = judge(await asked(session, name, patience), mayTakeOver(session, name))
      if (verdict !== "again") return dated(session, name, verdict, how)
    }
    // The stop came before the change: nobody is cut off yet, and nobody is to be.
    if (session.work.stop.aborted && driverOf(session, name).overlap === "one")
      return { is: "waiting", ...notBegun }
    const applied = await apply(session, name, { ...how, again: tries })
    if ("acceptedAt" in applied)
      return {
        is: "proven",
        ...(applied.acceptedAt === undefined ? {} : { acceptedAt: applied.acceptedAt }),
      }
    last = applied
  }
  const answer = await asked(session, name, patience)
  const verdict = judge(answer, mayTakeOver(session, name))
  if (verdict === "again" && answer.current === "refused") return { is: "stuck", ...last }
  // A refusal is a death only with its counter-proof: the same login works with the current value.
  return verdict === "again"
    ? { is: "left", ...last, dead: answer.current === "accepted" }
    : dated(session, name, verdict, how)
}

/** With what the service said, where only the last question had no clear answer. */
async function asked(session: Session, name: string, patience: AbortSignal): Promise<Answer> {
  const answer = await ask(session, name, patience)
  const isUnclear = answer.pending === "unknown" || answer.current === "unknown"
  return isUnclear && answer.says === undefined
    ? { ...answer, says: unclear(session, name) }
    : answer
}

const notBegun = {
  code: "stopped",
  says: "interrupted before its service was told of the new value",
} as const

/**
 * Only a containment begins while older values are owed a revoke: one that an earlier run was
 * killed in must not land on the new value.
 */
async function isQuiet(session: Session, name: string, patience: AbortSignal): Promise<boolean> {
  const { current, previous, doubtful } = await session.versions(name)
  const owed = [...(previous === undefined ? [] : [previous]), ...doubtful]
  if (owed.length === 0) session.quiet.add(name)
  return (
    session.quiet.has(name) ||
    settle(session, name, [...(current === undefined ? [] : [current]), ...owed], patience)
  )
}

/**
 * Since when the service has the value was in a reply that a crash has lost, and by it older
 * sessions are told. The same
 * value again changes nothing and is answered with the time; nobody holds the value yet, so no
 * session of it is older.
 */
async function dated(
  session: Session,
  name: string,
  verdict: Verdict,
  how: Proving,
): Promise<Verdict> {
  const ends =
    session.work.policies[name]?.endSessions === true || session.changeSet?.contain !== undefined
  if (verdict.is !== "proven" || !ends) return verdict
  const applied = await apply(session, name, { ...how, again: 0 })
  return "acceptedAt" in applied && applied.acceptedAt !== undefined
    ? { ...verdict, acceptedAt: applied.acceptedAt }
    : verdict
}

/** One try: apply, then log in. What fails is only noted; the next step asks the service. */
async function apply(
  session: Session,
  name: string,
  { patience, applied, again }: Proving & { readonly again: number },
): Promise<
  { readonly acceptedAt: string | undefined } | { readonly code: string; readonly says: string }
> {
  const driver = driverOf(session, name)
  const versions = await session.versions(name)
  const pending = versions.pending
  if (pending === undefined) throw new AppError("internal", `${name}: nothing pending`)
  const contain = session.changeSet?.contain !== undefined
  try {
    session.work.tell("apply", driver.describe(versions), name)
    if (driver.overlap === "one") session.learn(name, "either")
    const { acceptedAt } = await changeAt(
      session,
      name,
      deadlines.apply,
      (signal) => driver.apply(pending, versions, signal, { contain, again }),
      patience,
    )
    applied?.(name, acceptedAt)
    session.work.tell("verify", "a login with the new value", name)
    const answer = await probe(session, name, pending, patience)
    if (answer === "accepted") {
      session.learn(name, "new")
      return { acceptedAt }
    }
    return {
      code: answer === "refused" ? "not-accepted" : "no-answer",
      says:
        answer === "refused"
          ? "the service refuses the new value"
          : unclear(session, name, "the service does not answer a login"),
    }
  } catch (error) {
    return said(error)
  }
}

/**
 * In an incident someone else may have set what the service takes now; with an admin it is
 * replaced all the same.
 */
function mayTakeOver(session: Session, name: string): boolean {
  return session.changeSet?.contain !== undefined && overrules(driverOf(session, name))
}

/** The recovery table of a way forward. */
function judge(answer: Answer, takeOver: boolean): Verdict | "again" {
  if (answer.lost === true) return lostTrack(answer)
  if (answer.pending === "accepted") return { is: "proven" }
  if (answer.pending === "unknown")
    return {
      is: "waiting",
      code: answer.code ?? "no-answer",
      says: answer.says ?? "the service gives no clear answer",
    }
  if (answer.current === "accepted" || answer.current === "none") return "again"
  if (answer.current === "unknown")
    return {
      is: "waiting",
      code: "no-answer",
      says: answer.says ?? "the service gives no clear answer",
    }
  return takeOver ? "again" : lostTrack(answer)
}

/** Neither pending nor current is accepted: a person must look. */
export function lostTrack(answer: Answer): Extract<Verdict, { readonly is: "stuck" }> {
  if (answer.other !== undefined)
    return {
      is: "stuck",
      code: "drifted",
      says: `the service accepts ${answer.other}, neither the current nor the new value`,
    }
  return {
    is: "stuck",
    code: "stuck",
    says: "the service refuses every value that we know: a person has changed it there, or the login is off",
  }
}
