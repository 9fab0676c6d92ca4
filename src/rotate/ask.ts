import { AppError, describeError } from "../base/error.ts"
import type { Credential, Driver, Probe } from "../core/ports.ts"
import { Secret } from "../core/secret.ts"
import { atService } from "./at-service.ts"
import type { Session } from "./session.ts"
import { deadlines } from "./work.ts"

/** No answer came: nothing is known by that, and a further question would get none either. */
export function isSilence(code: string): boolean {
  return code === "timeout" || code === "unreachable" || code === "no-answer"
}

/** That no login tells anything, with what the service said, where it said something. */
export function unclear(session: Session, name: string, message = noClearAnswer): string {
  const heard = session.heard.get(name)
  return heard === undefined ? message : `${message}: ${heard}`
}

const noClearAnswer = "the service gives no clear answer"

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
    return await atService(session, name, { ms: deadlines.probe, waiting }, (signal) =>
      driver.probe(candidate, signal, ({ code, message }) =>
        session.heard.set(name, `${message} (${code})`),
      ),
    )
  } catch (error) {
    if (error instanceof AppError && error.remedy !== "retry")
      session.faults.set(name, describeError(error))
    return "unknown"
  }
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

export function driverOf(session: Session, name: string): Driver {
  const driver = session.work.drivers[name]
  if (driver === undefined)
    throw new AppError(
      "secret-unknown",
      `${session.work.environment}/${name} is in the state but not in the config`,
    )
  return driver
}
