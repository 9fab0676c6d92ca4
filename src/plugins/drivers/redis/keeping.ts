import { AppError } from "../../../base/error.ts"
import { present } from "../../../base/present.ts"
import type { Finding } from "../../../core/ports.ts"
import type { Connection } from "./connection.ts"
import { RedisError } from "./fault.ts"
import type { Info } from "./info.ts"
import { type Keeper, notPersistent } from "./persist.ts"
import { readUser } from "./user.ts"

/**
 * Whether the server could write its users down, found without having it write: a save keeps
 * whatever others have changed at runtime, too.
 */

export type Kept = {
  /**
   * "unseen": an ACL file or the config file, which of them we may not ask. undefined: not even
   * whether there is one.
   */
  readonly keeper: Keeper | AppError | "unseen" | undefined
  /** Rules that `who` lacks; what we may not ask is not among them. */
  readonly missing: readonly string[]
}

/** In a trial nothing that changes users is even tried in a form that changes none. */
export async function lookAtKeeping(
  connection: Connection,
  { who, trial }: { readonly who: string; readonly trial: boolean },
  info: Info | undefined,
): Promise<Kept> {
  const keeper = keeperOf(await aclFile(connection), info)
  const needed = [
    ...(trial ? ["acl|setuser"] : []),
    "acl|save",
    ...(keeper === "config" ? ["config|rewrite"] : []),
  ]
  const missing: string[] = []
  for (const command of needed)
    if ((await mayRun(connection, who, command)) === false) missing.push(`+${command}`)
  return { keeper, missing }
}

function keeperOf(file: string | undefined, info: Info | undefined): Kept["keeper"] {
  if (file !== undefined && file !== "") return "aclfile"
  if (info === undefined) return undefined
  if (file === "") return info.configFile === "" ? notPersistent() : "config"
  return info.configFile === "" ? undefined : "unseen"
}

/**
 * Its path, "" where the server has none; undefined where we may not ask: CONFIG GET shows
 * passwords, so our admin lacks it.
 */
async function aclFile(connection: Connection): Promise<string | undefined> {
  const reply = await asked(connection, ["CONFIG", "GET"], "aclfile")
  return Array.isArray(reply) && reply[0] === "aclfile" ? String(reply[1]) : undefined
}

/**
 * By the server's own word (Redis 7), else by the user's rules; undefined where neither can be
 * asked.
 */
async function mayRun(
  connection: Connection,
  who: string,
  command: string,
): Promise<boolean | undefined> {
  const answer = await asked(connection, ["ACL", "DRYRUN"], who, ...command.split("|"))
  if (typeof answer === "string") return answer === "OK"
  const user = await readUser(connection, who).catch(noAnswer)
  return user === undefined ? undefined : allows(user.commands, command)
}

/**
 * The rules in their order, as ACL GETUSER says them; the last that speaks of it counts. All of
 * these commands are of these categories (acl.c, config.c).
 */
function allows(rules: string, command: string): boolean {
  const own = new Set(["@all", "@admin", "@slow", "@dangerous", command, command.split("|")[0]])
  const speaks = rules
    .toLowerCase()
    .split(" ")
    .findLast((rule) => own.has(rule.slice(1)))
  return speaks?.startsWith("+") === true
}

async function asked(
  connection: Connection,
  name: readonly string[],
  ...words: readonly string[]
): Promise<unknown> {
  return connection.command(name, ...words).catch(noAnswer)
}

/** The server says no to the question, which tells nothing of what it is about. */
function noAnswer(error: unknown): undefined {
  if (error instanceof RedisError) return undefined
  throw error
}

const runtimeToo = "what others have changed at runtime alone becomes permanent too"

export function keeperFindings(keeper: Kept["keeper"], trial: boolean): readonly Finding[] {
  if (keeper instanceof AppError)
    return [
      {
        code: keeper.code,
        severity: "error",
        message: keeper.message,
        ...present({ remedy: keeper.hint }),
      },
    ]
  if (keeper === "config") {
    // Redis refuses to start where a user is defined twice ("Duplicate user found").
    const message =
      "users are kept by CONFIG REWRITE: one that is defined in an included file or on the " +
      `command line would be there twice, and the server would not start again; ${runtimeToo}`
    return [
      {
        code: "redis-config-rewrite",
        severity: "info",
        message,
        remedy: "define users in the main config file, or better in an ACL file (--aclfile)",
      },
    ]
  }
  if (!trial) return []
  const unsure =
    keeper === undefined ? "; whether the server has a file for them is known only then" : ""
  const message =
    "a rotation has the server write down all of its users as they are then (ACL SAVE): " +
    `${runtimeToo}${unsure}`
  return [
    {
      code: "redis-saves-all",
      severity: "info",
      message,
      remedy:
        "where users are changed at runtime, compare ACL LIST with the ACL file before a rotation",
    },
  ]
}
