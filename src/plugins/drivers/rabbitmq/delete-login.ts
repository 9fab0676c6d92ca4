import { AppError } from "../../../base/error.ts"
import { readAccount, storeHash } from "./api.ts"
import type { RabbitmqTarget } from "./target.ts"

/** The user holds no password then, and still exists, with all its permissions. */
export async function deleteLogin(target: RabbitmqTarget, signal: AbortSignal): Promise<void> {
  const account = await readAccount(target, signal)
  if (account === undefined || account.stored.hash === "") return
  await storeHash(target, { ...account.stored, hash: "" }, account, signal)
  const after = await readAccount(target, signal)
  if (after === undefined || after.stored.hash === "") return
  throw new AppError(
    "server-error",
    `${after.message}: user ${target.options.user} has a password again: ` +
      "it is changed by another administrator or program",
    { remedy: "retry" },
  )
}
