import { z } from "zod"
import type { Finding, Versions } from "../../../core/ports.ts"
import { adminRefused, findingOf, problem } from "../server/findings.ts"
import { lacksCurrent } from "../server/two-passwords.ts"
import { passwordOf } from "../server/version.ts"
import { type Account, askApi, missing, missingHint, read, readAccount } from "./api.ts"
import { isHeld, isKnown } from "./password.ts"
import { checkUser, type RabbitmqTarget } from "./target.ts"

/** What a rotation would fail on, seen before any value exists. Changes nothing. */
export async function preflight(
  target: RabbitmqTarget,
  versions: Versions,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const { admin } = target.options
  try {
    if (versions.current !== undefined) checkUser(target, versions.current)
    const account = await readAccount(target, signal)
    return [
      ...accountFindings(target, account, versions),
      ...(account === undefined ? [] : await vhostFindings(target, signal)),
      ...(await powerFindings(target, signal)),
    ]
  } catch (error) {
    return [findingOf(error, (message) => adminRefused(message, admin.user))]
  }
}

function accountFindings(
  target: RabbitmqTarget,
  account: Account | undefined,
  { current }: Versions,
): readonly Finding[] {
  const { user } = target.options
  if (account === undefined) return [problem("account-missing", missing(target), missingHint)]
  const { stored, shut } = account
  if (!isKnown(stored))
    return [
      problem(
        "authentication-unsupported",
        `the password of user ${user} is hashed in a way that this driver does not know`,
        `set it once more by rabbitmqctl change_password ${user}, with a hash of RabbitMQ's ` +
          "own (password_hashing_module)",
      ),
    ]
  if (shut)
    return [
      problem(
        "account-locked",
        `user ${user} may open no connection: its limit is 0`,
        `if it is to log in again: rabbitmqctl clear_user_limits ${user} max-connections`,
      ),
    ]
  if (current === undefined || passwordOf(current) === undefined || isHeld(current, stored))
    return []
  return [lacksCurrent(`user ${user}`, target.context.label)]
}

async function vhostFindings(
  target: RabbitmqTarget,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const { user, vhost } = target.options
  if (vhost === undefined) return []
  const path = `/api/permissions/${encodeURIComponent(vhost)}/${encodeURIComponent(user)}`
  const { status } = await askApi(target, { method: "GET", path }, signal)
  if (status !== 404) return []
  return [
    problem(
      "rabbitmq-vhost-closed",
      `user ${user} may not open the virtual host ${vhost}, or there is none of that name`,
      "correct vhost in the config, or give the user what its programs need there: " +
        `rabbitmqctl set_permissions -p ${vhost} ${user} CONFIGURE WRITE READ`,
    ),
  ]
}

const Permissions = z.array(z.object({ vhost: z.string() }))

/**
 * Only an administrator can change a password, so what an admin has besides is permissions. Nothing
 * is taken from it: programs may log in as it, too.
 */
async function powerFindings(
  target: RabbitmqTarget,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const { user } = target.options.admin
  const path = `/api/users/${encodeURIComponent(user)}/permissions`
  const answer = await askApi(target, { method: "GET", path }, signal)
  // A user that another backend keeps is not found here.
  if (answer.status === 404 || read(Permissions, answer).length === 0) return []
  const own = user === "mycelium" ? "mycelium_admin" : "mycelium"
  return [
    {
      code: "admin-too-powerful",
      severity: "warning",
      message: `admin ${user} may also use virtual hosts, which is more than it needs`,
      remedy:
        `make an admin that only mycelium uses: rabbitmqctl add_user ${own} PASSWORD; ` +
        `rabbitmqctl set_user_tags ${own} administrator; give it no permissions, ` +
        "and name it under admin, with that password by reference",
    },
  ]
}
