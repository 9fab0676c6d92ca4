import { AppError, describeError } from "../../base/error.ts"
import { within } from "../../base/deadline.ts"
import type { Credential, Driver, Forgotten } from "../../core/ports.ts"
import { beginActing } from "../../rotate/acting.ts"
import { probe, unclear } from "../../rotate/ask.ts"
import { hiddenActOf } from "../../rotate/elsewhere.ts"
import type { Session } from "../../rotate/session.ts"
import { notSettled } from "../../rotate/settle.ts"
import { untilOver } from "../../rotate/under-way.ts"
import { deadlines } from "../../rotate/work.ts"
import type { Deleted, DeleteOptions, LoginFate } from "./deleted.ts"

/** The login of a secret that is erased: whether it ends, and that it has. */

/**
 * What becomes of the login; throws if it cannot be ended, and the command does not say that it may
 * stay.
 */
export function loginOf(session: Session, name: string, { keepLogin }: DeleteOptions): LoginFate {
  const driver: Driver | undefined = session.work.drivers[name]
  if (session.state(name).versions.length === 0) return "none"
  if (
    driver?.overlap === "none" ||
    (driver === undefined && session.state(name).driver === "generated")
  )
    return "none"
  if (keepLogin) return "kept"
  const hint =
    "if nothing uses its login any more, end it at the service by hand; then (or where another secret has the login now) add --keep-login"
  if (driver === undefined)
    throw new AppError(
      "delete-no-driver",
      "it is in the state but not in the config, so its login cannot be ended",
      { hint: `put it back into the config; or ${hint}` },
    )
  if (driver.deleteLogin === undefined)
    throw new AppError("delete-no-admin", "its login cannot be ended with what the config gives", {
      hint: `name an admin; or ${hint}`,
    })
  return "ends"
}

/** Undefined once every value that may be live is proven dead. */
export async function endLogin(session: Session, name: string): Promise<Deleted | undefined> {
  const driver = session.work.drivers[name]
  const { current, previous, uncertain } = await session.versions(name)
  const known = [current, previous, ...uncertain].filter((one) => one !== undefined)
  const hidden = hiddenActOf(session, name)
  if (hidden !== undefined) throw new AppError(hidden.code, hidden.message)
  await beginActing(session, [name])
  if (driver?.deleteLogin === undefined)
    throw new AppError("internal", "no driver can end this login")
  if (
    !(await within(deadlines.settle + (driver.settleMs ?? 0), (signal) =>
      driver.settle(known, signal),
    ))
  ) {
    throw new AppError(notSettled.code, notSettled.message, { remedy: "retry" })
  }
  try {
    const act = async (signal: AbortSignal, waitedMs: number): Promise<Forgotten> =>
      (await driver.deleteLogin?.(known, signal, waitedMs)) ?? {}
    await untilOver(session, name, act, "the same command again waits for it")
  } catch (error) {
    if (error instanceof AppError && error.remedy === "give-up") throw error
    return { kind: "unproven", ...describeError(error) }
  }
  for (const one of known) {
    const answer = await probe(session, name, one)
    if (answer !== "refused")
      return notDead(one, answer, unclear(session, name, noClearAnswer(one.version)))
  }
  return undefined
}

function noClearAnswer(version: string): string {
  return `the service gives no clear answer about ${version}`
}

function notDead(
  { version }: Credential,
  answer: "accepted" | "unknown",
  message: string,
): Deleted {
  if (answer === "accepted")
    return {
      kind: "unproven",
      code: "not-proven-dead",
      message: `the service still accepts ${version}`,
    }
  return {
    kind: "unproven",
    code: "no-answer",
    message,
  }
}
