import { z } from "zod"
import type { Finding, Versions } from "../../../core/ports.ts"
import { adminRefused, findingOf, problem } from "../server/findings.ts"
import { lacksCurrent } from "../server/two-passwords.ts"
import { passwordOf } from "../server/version.ts"
import { type Account, askApi, missing, missingHint, read, readAccount } from "./api.ts"
import { isHeld, isKnown } from "./password.ts"
import { checkUser, type RabbitmqTarget } from "./target.ts"
import { shutVhost } from "./vhost.ts"

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
      {
        ...problem(
          "authentication-unsupported",
          `the password of user ${user} is hashed in a way that this driver does not know; ` +
            "a containment ends that, with the new value",
          `set it once more by rabbitmqctl change_password ${user}, with a hash of RabbitMQ's ` +
            "own (password_hashing_module)",
        ),
        yields: true,
        silences: true,
      },
    ]
  const closed = shut ? [seatless(user)] : []
  if (current === undefined || passwordOf(current) === undefined || isHeld(current, stored))
    return closed
  return [...closed, lacksCurrent(`user ${user}`, target.context.label)]
}

/** The server asks for the password before it counts connections: a containment proves its value. */
function seatless(user: string): Finding {
  return {
    ...problem(
      "account-locked",
      `user ${user} may open no connection: its limit is 0`,
      `if it is to log in again: rabbitmqctl clear_user_limits ${user} max-connections`,
    ),
    yields: true,
  }
}

/**
 * Of what comes after the password, at the service: no program gets in, and a value is proven all
 * the same.
 */
async function vhostFindings(
  target: RabbitmqTarget,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const { vhost } = target.options
  if (vhost === undefined) return []
  const shut = await shutVhost(target, vhost, signal)
  return shut === undefined
    ? []
    : [{ ...problem(shut.code, shut.message, shut.hint), yields: true }]
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
