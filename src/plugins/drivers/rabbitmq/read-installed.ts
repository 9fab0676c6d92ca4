import { AppError } from "../../../base/error.ts"
import type { Fields } from "../../../core/ports.ts"
import { neededAccount } from "./api.ts"
import { verifierOf } from "./password.ts"
import { sessionsOf } from "./sessions.ts"
import type { RabbitmqTarget } from "./target.ts"

/**
 * For a first value: the stored form of the present password, which can be put back; undefined
 * where there is none.
 */
export async function readInstalled(
  target: RabbitmqTarget,
  signal: AbortSignal,
): Promise<Fields | undefined> {
  const { context, options } = target
  const { stored } = await neededAccount(target, signal)
  const { length: open } = await sessionsOf(target, signal)
  if (open > 0)
    throw new AppError(
      "value-exists",
      `user ${options.user} is in use: ` +
        `${open === 1 ? "1 session is" : `${open} sessions are`} open with its present password`,
      { hint: "adopt that password instead, or end its sessions first" },
    )
  if (stored.hash === "") return undefined
  return { user: options.user, verifier: verifierOf(stored, context.label) }
}
