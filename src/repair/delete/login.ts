import { AppError, describeError } from "../../base/error.ts"
import { within } from "../../base/deadline.ts"
import type { Credential, Driver, Forgotten, UnderWay } from "../../core/ports.ts"
import { beginActing } from "../../rotate/acting.ts"
import { probe, unclear } from "../../rotate/ask.ts"
import { hiddenActOf } from "../../rotate/elsewhere.ts"
import type { Session } from "../../rotate/session.ts"
import { notSettled } from "../../rotate/settle.ts"
import { untilOver } from "../../rotate/under-way.ts"
import { deadlines } from "../../rotate/work.ts"
import { formerDriver } from "../../core/changed-driver.ts"
import { acceptedElsewhere, endLeftBehind, sayAcceptedElsewhere } from "../../core/places.ts"
import { openContainment } from "../../core/open-containment.ts"
import type { DeleteOptions, LoginFate, NotErased, Sessions } from "./deleted.ts"

/** The login of a secret that is erased: whether it ends, and that it has. */

/**
 * What becomes of the login; throws if it cannot be ended, and the command does not say that it may
 * stay.
 */
export function loginOf(session: Session, name: string, options: DeleteOptions): LoginFate {
  const { keepLogin, loginEnded } = options
  const driver: Driver | undefined = session.work.drivers[name]
  const { versions, erased, uncontained } = session.state(name)
  if (versions.length === 0 && erased !== undefined) {
    if (loginEnded) return "ended"
    if (uncontained !== undefined) throw loginKept(session, name)
  }
  if (versions.length === 0) return "none"
  if (
    driver?.overlap === "none" ||
    (driver === undefined && session.state(name).driver === "generated")
  )
    return "none"
  if (loginEnded) return "ended"
  if (keepLogin) return "kept"
  const was = formerDriver(session.state(name), session.work.kinds[name])
  const hint =
    "if nothing uses its login any more, end it at the service by hand; " +
    "then (or where another secret has the login now) add --login-ended; " +
    "--keep-login leaves it as it is"
  if (driver === undefined)
    throw new AppError(
      "delete-no-driver",
      "it is in the state but not in the config, so its login cannot be ended",
      { hint: `put it back into the config; or ${hint}` },
    )
  if (was !== undefined)
    throw new AppError(
      "driver-differs",
      `its values are of the driver ${was}, not of the config's`,
      {
        hint: `put driver: ${was} back; or ${hint}`,
      },
    )
  if (driver.deleteLogin === undefined)
    throw new AppError("delete-no-admin", "its login cannot be ended with what the config gives", {
      hint: `name an admin; or ${hint}`,
    })
  refuseElsewhere(session, name)
  return "ends"
}

/** Once its versions are erased, nothing tells any more that a former server may accept them. */
function refuseElsewhere(session: Session, name: string): void {
  const { environment, origin } = session.work
  const left = acceptedElsewhere(session.state(name), origin?.places?.[name])
  if (left.length === 0) return
  throw new AppError("server-left", sayAcceptedElsewhere(left), {
    hint: `${endLeftBehind(environment, left)}; then the same command again`,
  })
}

function loginKept({ work }: Session, name: string): AppError {
  return new AppError("delete-no-admin", "its values are erased, and its login was kept", {
    hint:
      "it is NOT contained: end its login at the service; " +
      `then mycelium delete ${work.environment}/${name} --login-ended --yes says so`,
  })
}

/** Once every value that may be live is proven dead: what became of its sessions. */
export type LoginEnded = { readonly kind: "dead"; readonly sessions: Sessions } | NotErased

export async function endLogin(session: Session, name: string): Promise<LoginEnded> {
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
  return endSessions(session, name, known)
}

/**
 * Of one that leaked, or that ends its sessions anyway: no session stays, or the secret stays, for
 * nothing else would tell of them. Of one that is only not needed any more, programs may end theirs
 * themselves.
 */
export function endsSessions(session: Session, name: string): boolean {
  const state = session.state(name)
  return (
    openContainment(state) !== undefined ||
    state.contained?.sessions !== undefined ||
    session.work.policies[name]?.endSessions === true
  )
}

async function endSessions(
  session: Session,
  name: string,
  known: readonly Credential[],
): Promise<LoginEnded> {
  if (!endsSessions(session, name)) return { kind: "dead", sessions: { kind: "stay" } }
  const driver = session.work.drivers[name]
  if (driver?.endSessions === undefined) return { kind: "dead", sessions: { kind: "unknown" } }
  session.work.onProgress("sessions", "each that is open ends", name)
  const act = async (
    signal: AbortSignal,
    waitedMs: number,
  ): Promise<{ readonly sessionsEnded: number; readonly underWay?: UnderWay }> =>
    (await driver.endSessions?.(known, signal, waitedMs)) ?? { sessionsEnded: 0 }
  try {
    const { sessionsEnded } = await untilOver(session, name, act, againEnds)
    return { kind: "dead", sessions: { kind: "ended", count: sessionsEnded } }
  } catch (error) {
    return { kind: "unproven", sessions: true, ...describeError(error) }
  }
}

const againEnds = "the same command again ends them"

function noClearAnswer(version: string): string {
  return `the service gives no clear answer about ${version}`
}

function notDead(
  { version }: Credential,
  answer: "accepted" | "unknown",
  message: string,
): LoginEnded {
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
