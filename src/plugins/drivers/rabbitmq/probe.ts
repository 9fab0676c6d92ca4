import type { Credential, Heard, Probe } from "../../../core/ports.ts"
import { answerOf } from "../server/probe.ts"
import { judgeBySight } from "../server/two-passwords.ts"
import { passwordOf } from "../server/version.ts"
import { logIn } from "./amqp.ts"
import { neededAccount, readAccount } from "./api.ts"
import { isHeld, isKnown, storedIn } from "./password.ts"
import { present } from "../../../base/present.ts"
import { checkUser, type RabbitmqTarget, reachOf } from "./target.ts"

/** A fresh login with `candidate`; refused only if the server holds another password for the user. */
export async function probe(
  target: RabbitmqTarget,
  candidate: Credential,
  signal: AbortSignal,
  heard?: Heard,
): Promise<Probe> {
  checkUser(target, candidate)
  if (storedIn(candidate) !== undefined)
    return answerOf(() => compare(target, candidate, signal), { heard })
  return answerOf(() => prove(target, candidate, signal), {
    heard,
    judge: () => judge(target, candidate, signal),
  })
}

async function prove(
  target: RabbitmqTarget,
  candidate: Credential,
  signal: AbortSignal,
): Promise<Probe> {
  const password = passwordOf(candidate)
  if (password === undefined) return "unknown"
  const { user, vhost } = target.options
  await logIn(await reachOf(target, target.amqp), { user, password, ...present({ vhost }) }, signal)
  return "accepted"
}

/** Version 0, of which only the stored form is known, is judged by the admin's view. */
async function compare(
  target: RabbitmqTarget,
  candidate: Credential,
  signal: AbortSignal,
): Promise<Probe> {
  const { stored } = await neededAccount(target, signal)
  return isHeld(candidate, stored) ? "accepted" : "refused"
}

/** The server says the same of a user that is missing, or may come from its own machine alone. */
function judge(target: RabbitmqTarget, candidate: Credential, signal: AbortSignal): Promise<Probe> {
  return judgeBySight(target.options.admin.user, async () => {
    const account = await readAccount(target, signal)
    return account !== undefined && isKnown(account.stored) && !isHeld(candidate, account.stored)
  })
}
