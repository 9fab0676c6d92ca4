import { AppError } from "../../../base/error.ts"
import type { Heard, Probe } from "../../../core/ports.ts"
import { isRefusedLogin } from "./findings.ts"
import { listenerFault } from "./listener.ts"

type Asking = {
  readonly heard: Heard | undefined
  /**
   * The server has refused this login: is it for the password? Left out, what the login says of
   * that counts. Its own errors are not caught.
   */
  readonly judge?: () => Promise<Probe>
  /** What else is said by name. */
  readonly isNamed?: (error: AppError) => boolean
}

/**
 * The answer of a login. An AppError is no answer: it is heard, and the answer is "unknown". Thrown
 * on: that another program listens where the server should (the server was never asked), and any
 * other error, which is a mistake in this program and must not pass for an answer.
 */
export async function answerOf(
  login: () => Promise<Probe>,
  { heard, judge, isNamed }: Asking,
): Promise<Probe> {
  try {
    return await login()
  } catch (error) {
    if (!(error instanceof AppError) || wasNotAsked(error) || isNamed?.(error) === true) throw error
    if (judge !== undefined && isRefusedLogin(error)) return judge()
    heard?.(error)
    return "unknown"
  }
}

/** A person has to act before a server can be asked. */
function wasNotAsked(error: AppError): boolean {
  return listenerFault(error) || error.code === "tls-file-open"
}

/** Of several servers that must all know the password: what they do not agree on is unknown. */
export function agreed([first = "unknown", ...others]: readonly Probe[]): Probe {
  return others.every((answer) => answer === first) ? first : "unknown"
}
