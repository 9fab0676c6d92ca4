import { AppError } from "../../../base/error.ts"
import type { Finding } from "../../../core/ports.ts"
import { type Client, listClients } from "./clients.ts"
import type { Connection } from "./connection.ts"
import { isKind } from "./fault.ts"
import { type Info, readInfo } from "./info.ts"
import { type Kept, lookAtKeeping } from "./keeping.ts"
import { rewriteConfig, saveAcl } from "./persist.ts"
import { lookName, type RedisTarget } from "./target.ts"
import { readUser, type User } from "./user.ts"

/** What we may do at a node, found out by doing it in a way that changes nothing. */
export type Tried = {
  /** Rules that our user lacks: "+client|kill". */
  readonly missing: readonly string[]
  readonly info: Info | undefined
  /** null: there is no such user. */
  readonly user: User | null | undefined
  readonly clients: readonly Client[] | undefined
  readonly keeper: Kept["keeper"]
  /** How many nodes the cluster has; undefined where it is none. */
  readonly clusterNodes: number | undefined
}

/** No client has this id. */
const nobody = String(2n ** 63n - 1n)

export async function tryAll(
  { options: { user, admin } }: RedisTarget,
  connection: Connection,
  trial: boolean,
): Promise<Tried> {
  const missing: string[] = []
  const attempt = attempting(missing)
  const [info, , , , clients, , found] = await Promise.all([
    attempt("+info", () => readInfo(connection)),
    attempt("+time", () => connection.command(["TIME"])),
    attempt("+client|setname", () => connection.command(["CLIENT", "SETNAME"], lookName)),
    attempt("+client|id", () => connection.command(["CLIENT", "ID"])),
    attempt("+client|list", () => listClients(connection)),
    attempt("+client|kill", () => connection.command(["CLIENT", "KILL"], "ID", nobody)),
    attempt("+acl|getuser", async () => (await readUser(connection, user)) ?? null),
  ])
  // Without a rule it changes nothing; but it would create a user that is not there.
  if (found != null && !trial)
    await attempt("+acl|setuser", () => connection.command(["ACL", "SETUSER"], user))
  const nodes = info?.cluster === true ? await countNodes(connection, attempt) : undefined
  const kept = await lookAtKeeping(connection, { who: admin?.user ?? user, trial }, info)
  return {
    missing: [...missing, ...kept.missing],
    info,
    user: found,
    clients,
    keeper: kept.keeper,
    clusterNodes: nodes,
  }
}

type Attempt = <Result>(rule: string, act: () => Promise<Result>) => Promise<Result | undefined>

/** An act that our user may not do adds the rule that it lacks to `missing`. */
function attempting(missing: string[]): Attempt {
  return async (rule, act) => {
    try {
      return await act()
    } catch (error) {
      if (!isKind(error, "noperm")) throw error
      missing.push(rule)
      return undefined
    }
  }
}

/**
 * Has the server write its users down: only a try tells whether the file can be written, and
 * `apply` does nothing else. An error is what came of it.
 */
export async function tryKeeping(connection: Connection): Promise<Kept> {
  let rule = "+acl|save"
  try {
    if (await saveAcl(connection)) return { keeper: "aclfile", missing: [] }
    rule = "+config|rewrite"
    await rewriteConfig(connection)
    return { keeper: "config", missing: [] }
  } catch (error) {
    if (isKind(error, "noperm")) return { keeper: undefined, missing: [rule] }
    if (error instanceof AppError && /^redis-|^server-error$/.test(error.code))
      return { keeper: error, missing: [] }
    throw error
  }
}

/** NaN where it cannot be learnt. */
async function countNodes(connection: Connection, attempt: Attempt): Promise<number> {
  const reply = await attempt("+cluster|info", () => connection.command(["CLUSTER", "INFO"]))
  return Number(
    typeof reply === "string" ? reply.match(/^cluster_known_nodes:(\d+)/m)?.[1] : undefined,
  )
}

/** What a rotation needs, and a containment does without: it says that sessions may live. */
const sessionRules: ReadonlySet<string> = new Set(["+client|list", "+client|kill", "+client|id"])

export function rightFindings(
  { options: { admin, user } }: RedisTarget,
  { missing }: Tried,
): readonly Finding[] {
  if (missing.length === 0) return []
  const who = admin?.user ?? user
  const message = `${who} may not do what a rotation needs: ${missing.join(" ")}`
  const remedy = `ACL SETUSER ${who} ${missing.join(" ")}`
  // ACL SETUSER can give itself everything: an application's user should not have it.
  const own = `name an admin; or, if user ${user} may change every user of the server: ${remedy}`
  return [
    {
      code: "not-permitted",
      severity: "error",
      message,
      remedy: admin === undefined ? own : remedy,
      ...(missing.every((rule) => sessionRules.has(rule))
        ? ({ yields: true, sessions: true } as const)
        : {}),
    },
  ]
}

/**
 * Anyone who may call ACL SETUSER can give itself the rest; but what it does not have it cannot do
 * by mistake.
 */
export async function powerFindings(
  { options: { admin } }: RedisTarget,
  connection: Connection,
  tried: Tried,
): Promise<readonly Finding[]> {
  if (admin === undefined) return []
  const own = await readUser(connection, admin.user)
  if (own?.commands.startsWith("+@all") !== true) return []
  const rules = leastRules(tried).join(" ")
  const shared =
    admin.user === "default" ||
    tried.clients?.some(
      (client) => client.user === admin.user && !client.name.startsWith("mycelium"),
    ) === true
  const remedy = shared
    ? await ownAdmin(connection, rules)
    : `if nothing else logs in as ${admin.user}: ACL SETUSER ${admin.user} ${rules}`
  return [
    {
      code: "admin-too-powerful",
      severity: "warning",
      message: `admin ${admin.user} may do everything (+@all), which is more than it needs`,
      remedy,
    },
  ]
}

/**
 * Rights that are taken from a user are taken from every program that logs in as it. A name that is
 * taken belongs to a client.
 */
async function ownAdmin(connection: Connection, rules: string): Promise<string> {
  let name = "mycelium"
  while ((await readUser(connection, name)) !== undefined) name += "-admin"
  return (
    `make an admin that only mycelium uses: ACL SETUSER ${name} on '>PASSWORD' ${rules}; ` +
    `ACL SAVE (or CONFIG REWRITE) keeps it; then admin: { user: ${name}, password: { file: ` +
    "FILE } }, with that password in FILE"
  )
}

/** For an admin who may not even look: what is added hurts nothing that it may do already. */
export function grantTo(admin: string): string {
  const rules = leastRules({ keeper: "aclfile", info: undefined }).filter((rule) =>
    rule.startsWith("+"),
  )
  return `ACL SETUSER ${admin} ${rules.join(" ")} (and +config|rewrite, if no ACL file keeps the users)`
}

/**
 * Channels have rules since Redis 6.2. Where it is not seen that an ACL file keeps the users, the
 * config file may.
 */
function leastRules({ keeper, info }: Pick<Tried, "keeper" | "info">): readonly string[] {
  return [
    "resetkeys",
    ...((info?.version ?? 0) >= 6.2 ? ["resetchannels"] : []),
    "-@all",
    "+acl|getuser",
    "+acl|setuser",
    "+acl|save",
    ...(keeper === "aclfile" ? [] : ["+config|rewrite"]),
    "+client|id",
    "+client|kill",
    "+client|list",
    "+client|setname",
    "+info",
    "+time",
    ...(info?.cluster === true ? ["+cluster|info"] : []),
  ]
}
