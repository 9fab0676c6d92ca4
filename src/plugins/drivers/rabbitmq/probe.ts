import { AppError } from "../../../base/error.ts"
import type { Credential, Heard, Probe } from "../../../core/ports.ts"
import { answerOf } from "../server/probe.ts"
import { judgeBySight } from "../server/two-passwords.ts"
import { passwordOf } from "../server/version.ts"
import { logIn } from "./amqp.ts"
import { neededAccount, readAccount } from "./api.ts"
import { isHeld, isKnown, storedIn } from "./password.ts"
import { present } from "../../../base/present.ts"
import { checkUser, type RabbitmqTarget, reachOf } from "./target.ts"
import { shutVhost } from "./vhost.ts"

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
  const asking = { signal, heard }
  return answerOf(() => prove(target, candidate, asking), {
    heard,
    judge: () => judge(target, candidate, asking),
  })
}

type Asking = { readonly signal: AbortSignal; readonly heard: Heard | undefined }

async function prove(
  target: RabbitmqTarget,
  candidate: Credential,
  { signal, heard }: Asking,
): Promise<Probe> {
  const password = passwordOf(candidate)
  if (password === undefined) return "unknown"
  const { user, vhost } = target.options
  const login = { user, password, ...present({ vhost }) }
  const { opened } = await logIn(await reachOf(target, target.amqp), login, signal)
  if (!opened && vhost !== undefined) {
    const shut = await shutVhost(target, vhost, signal).catch(passes)
    if (shut !== undefined) heard?.(new AppError(shut.code, shut.message, { hint: shut.hint }))
  }
  return "accepted"
}

/** The password is proven, whatever the admin may see. */
function passes(error: unknown): undefined {
  if (!(error instanceof AppError)) throw error
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
function judge(
  target: RabbitmqTarget,
  candidate: Credential,
  { signal, heard }: Asking,
): Promise<Probe> {
  const { admin, user } = target.options
  return judgeBySight(admin.user, async () => {
    const account = await readAccount(target, signal)
    if (account === undefined) return false
    if (isKnown(account.stored) && !isHeld(candidate, account.stored)) return true
    if (!isKnown(account.stored)) return false
    heard?.(
      new AppError(
        "rabbitmq-loopback-only",
        `the server refuses the login, though user ${user} holds this password: ` +
          "it may come from the server's own machine alone (loopback_users), " +
          "or the server does not ask its own users (auth_backends)",
      ),
    )
    return false
  })
}
