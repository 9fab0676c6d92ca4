import { AppError } from "../../../base/error.ts"
import type { SessionsLeft } from "../../../core/state.ts"

/**
 * What keeps the earlier sessions from being ended: a right that the admin lacks, or that no account
 * can tell them apart.
 */
const beyond = new Set([
  "sessions-out-of-reach",
  "sessions-hidden",
  "sessions-undated",
  "mariadb-sessions-shared",
])

export type Ended = { readonly ended: number; readonly left?: SessionsLeft }

/**
 * For containment, once no value but the new one is accepted: sessions that cannot be ended are
 * told of, and hold up nothing. `by`: how a person ends them.
 */
export async function endedOrLeft(act: () => Promise<number>, by: string): Promise<Ended> {
  try {
    return { ended: await act() }
  } catch (error) {
    if (!(error instanceof AppError) || !beyond.has(error.code)) throw error
    const grant = /^(GRANT|ACL SETUSER) /.test(error.hint ?? "") ? `${error.hint}; or ` : ""
    return { ended: 0, left: { code: error.code, message: error.message, hint: `${grant}${by}` } }
  }
}
