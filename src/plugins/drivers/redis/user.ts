import { createHash } from "node:crypto"
import { AppError } from "../../../base/error.ts"
import type { Credential } from "../../../core/ports.ts"
import { type Unfit, unfitError } from "../server/findings.ts"
import type { Account } from "../server/two-passwords.ts"
import { neededPassword, userOf as nameOf } from "../server/version.ts"
import type { Connection } from "./connection.ts"
import { isKind } from "./fault.ts"
import { persist } from "./persist.ts"
import type { RedisTarget } from "./target.ts"
import type { Reply } from "./resp.ts"

/** A version as Redis sees it, `{ user, password }`, and a user as ACL GETUSER shows it. */

/** The user of a version. A version that was adopted may not name it. */
export function userOf({ options }: RedisTarget, version: Credential): string {
  return nameOf(version, options.user)
}

/**
 * The form in which Redis keeps a password: SHA-256, hex. The same for the same password, so a
 * second `apply` changes nothing.
 */
export function hashOf(candidate: Credential): string {
  return createHash("sha256").update(neededPassword(candidate).reveal()).digest("hex")
}

export type User = {
  readonly on: boolean
  /** Any password is right. */
  readonly nopass: boolean
  readonly hashes: readonly string[]
  /** "+@all -debug" */
  readonly commands: string
}

/** undefined where there is no such user; ACL SETUSER would create it. */
export async function readUser(connection: Connection, name: string): Promise<User | undefined> {
  const reply = await connection.command(["ACL", "GETUSER"], name)
  if (reply === null) return undefined
  const fields = byName(reply, connection.label)
  const flags = texts(fields.get("flags"))
  const commands = fields.get("commands")
  return {
    on: flags.includes("on"),
    nopass: flags.includes("nopass"),
    hashes: texts(fields.get("passwords")).map((hash) => hash.toLowerCase()),
    commands: typeof commands === "string" ? commands : "",
  }
}

/** The user in one session, whose passwords are changed (two-passwords.ts). */
export function accountOf(connection: Connection, user: string): Account {
  const set = async (...rules: readonly string[]): Promise<void> =>
    void (await connection.command(["ACL", "SETUSER"], user, ...rules))
  return {
    name: `user ${user}`,
    message: connection.label,
    read: async () => (await readUsable(connection, user)).hashes,
    add: (hash) => set(`#${hash}`),
    remove: (hash) =>
      set(`!${hash}`).catch((error: unknown) => {
        // Another client was faster.
        if (!isKind(error, "hashAbsent")) throw error
      }),
    leave: (hash) => set("resetpass", `#${hash}`),
    keep: async () => void (await persist(connection)),
  }
}

/** The user, fit to be given a password or to lose one. */
export async function readUsable(connection: Connection, name: string): Promise<User> {
  const user = await readUser(connection, name)
  const problem = userProblem(user, name)
  if (problem !== undefined) throw unfitError(problem, connection.label)
  // For TypeScript: a missing user is a problem.
  if (user === undefined) throw new AppError("internal", "a user that is missing has no problem")
  return user
}

/**
 * For containment: one who has this user may have opened it to all, or shut it, so that no login
 * proves anything. In one step it is on, and takes no value but this.
 */
export async function reopen(connection: Connection, name: string, hash: string): Promise<void> {
  const user = await readUser(connection, name)
  if (user === undefined || (user.on && !user.nopass)) return
  await connection.command(["ACL", "SETUSER"], name, "on", "resetpass", `#${hash}`)
}

/**
 * Why a rotation of `name` would make no sense, or harm: `#hash` creates a user that is missing,
 * and ends `nopass`.
 */
export function userProblem(user: User | undefined, name: string): Unfit | undefined {
  if (user === undefined)
    return {
      code: "account-missing",
      message: `user ${name} does not exist`,
      hint: `create it (ACL SETUSER ${name} on …), or correct its name in the config`,
    }
  if (user.nopass)
    return {
      code: "password-not-asked",
      message:
        `user ${name} is let in with any password (nopass): a rotation would lock out who gives ` +
        "none (a containment does, and ends nopass)",
      hint:
        "let each of its programs give a password first, the same one (any is taken now); " +
        `from then on it is needed: ACL SETUSER ${name} resetpass '>PASSWORD'`,
    }
  if (!user.on)
    return {
      code: "account-locked",
      message:
        `user ${name} is off: the server refuses even the right password; ` +
        "a containment sets it on, with the new value",
      hint: `if it is to log in again: ACL SETUSER ${name} on`,
    }
  return undefined
}

/** RESP2 has no maps: names and values take turns. */
function byName(reply: Reply, message: string): ReadonlyMap<string, Reply> {
  const list = Array.isArray(reply) ? (reply as readonly Reply[]) : []
  const fields = new Map<string, Reply>()
  for (let at = 0; at + 1 < list.length; at += 2) fields.set(String(list[at]), list[at + 1] ?? null)
  if (!fields.has("flags") || !fields.has("passwords"))
    throw new AppError(
      "answer-malformed",
      `${message}: the server's answer to ACL GETUSER is not understood`,
    )
  return fields
}

function texts(reply: Reply | undefined): readonly string[] {
  return Array.isArray(reply)
    ? (reply as readonly Reply[]).filter((one) => typeof one === "string")
    : []
}
