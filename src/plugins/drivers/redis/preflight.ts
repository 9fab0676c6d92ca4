import { AppError } from "../../../base/error.ts"
import type { Credential, Finding, Versions } from "../../../core/ports.ts"
import { adminRefused, ownRefused } from "../refused-login.ts"
import { type Address, sayAddress } from "./address.ts"
import { nodesOf, type Place } from "./place.ts"
import { powerFindings, rightFindings, type Tried, tryAll } from "./rights.ts"
import { inSession } from "./session.ts"
import { type Node, topologyFindings } from "./topology.ts"
import { hashOf, passwordOf, userOf, userProblem } from "./user.ts"

function refusedLogin({ options: { admin, user }, reach }: Place, { message }: AppError, where: string): Finding {
  if (admin !== undefined) return adminRefused(message, admin.user)
  const found = ownRefused(reach.label, `user ${user}`, " (or the user is off)")
  return { ...found, says: `${where}${found.says}` }
}

type Seen = { readonly address: Address; readonly tried: Tried | undefined; readonly findings: readonly Finding[] }

/**
 * What a rotation would fail on, seen at every node before any value exists. It does what a rotation does, but for the
 * password: ACL SAVE and CONFIG REWRITE write down what the server has in memory anyway.
 */
export async function preflight(place: Place, versions: Versions, signal: AbortSignal): Promise<readonly Finding[]> {
  const { user } = place.options
  const { current } = versions
  if (current !== undefined && userOf(place, current) !== user) {
    return [problem("user-differs", `the current version belongs to another user than ${user}`, "adopt the password of this user, or put the former user back")]
  }
  const seen = await Promise.all(nodesOf(place).map((address) => look(place, address, versions, signal)))
  const nodes = seen.flatMap(({ address, tried }): Node[] => (tried?.info && tried.clients ? [{ address, info: tried.info, clients: tried.clients, clusterNodes: tried.clusterNodes }] : []))
  const found = [...seen.flatMap(({ findings }) => findings), ...differFindings(seen, current, user)]
  // Of nodes that could not be asked nobody knows whom they know.
  return nodes.length < seen.length ? found : [...found, ...topologyFindings(nodes, user)]
}

async function look(place: Place, address: Address, versions: Versions, signal: AbortSignal): Promise<Seen> {
  const where = place.also.length === 0 ? "" : `${sayAddress(address)}: `
  const local = (findings: readonly Finding[]): readonly Finding[] => findings.map((one) => ({ ...one, says: `${where}${one.says}` }))
  const logins = versions.current === undefined ? [] : [versions.current]
  try {
    return await inSession(place, address, { logins, signal, name: null }, async (connection) => {
      const tried = await tryAll(place, connection)
      const power = tried.missing.includes("+acl|getuser") ? [] : await powerFindings(place, connection, tried)
      return { address, tried, findings: local([...rightFindings(place, tried), ...userFindings(place, tried, versions), ...keeperFindings(tried), ...power]) }
    })
  } catch (error) {
    // What may pass by itself is not a finding: nobody knows.
    if (!(error instanceof AppError) || error.remedy === "retry") throw error
    return { address, tried: undefined, findings: [error.code === "password-refused" ? refusedLogin(place, error, where) : problem(error.code, error.message, error.hint)] }
  }
}

function userFindings({ options: { user: name } }: Place, { user }: Tried, versions: Versions): readonly Finding[] {
  if (user === undefined) return []
  const unfit = userProblem(user ?? undefined, name)
  if (unfit !== undefined) return [problem(unfit.code, unfit.says, unfit.hint)]
  // Without a version of ours, whether there is a password at all is asked by `stored`.
  if (user === null || versions.current === undefined) return []
  const { current, previous, pending, doubtful } = versions
  const ours = [current, previous, pending, ...doubtful].flatMap((one) => (one === undefined || passwordOf(one) === undefined ? [] : [hashOf(one)]))
  const unknown = user.hashes.filter((hash) => !ours.includes(hash)).length
  if (unknown === 0) return []
  const says = `user ${name} holds ${unknown === 1 ? "a password" : `${unknown} passwords`} besides ours, which a rotation would leave alive`
  return [{ ...problem("redis-unknown-password", says, `ACL GETUSER ${name} shows the hash of each; ACL SETUSER ${name} '!HASH' takes one away, if nobody needs it`), yields: true }]
}

function keeperFindings({ keeper }: Tried): readonly Finding[] {
  if (keeper instanceof AppError) return [problem(keeper.code, keeper.message, keeper.hint)]
  if (keeper !== "config") return []
  // Redis refuses to start where a user is defined twice ("Duplicate user found").
  const says = "users are kept by CONFIG REWRITE: one that is defined in an included file or on the command line would be there twice, and the server would not start again"
  return [{ code: "redis-config-rewrite", severity: "info", says, remedy: "define users in the main config file, or better in an ACL file (--aclfile)" }]
}

/** The engine finds out where the current password is refused everywhere; a probe that gets two answers only says "unknown". */
function differFindings(seen: readonly Seen[], current: Credential | undefined, user: string): readonly Finding[] {
  if (current === undefined || passwordOf(current) === undefined) return []
  const lacking = seen.filter(({ tried }) => tried?.user != null && !tried.user.hashes.includes(hashOf(current)))
  if (lacking.length === 0 || lacking.length === seen.length) return []
  const places = lacking.map(({ address }) => sayAddress(address)).join(", ")
  return [{ ...problem("redis-nodes-differ", `user ${user} does not have its present password at ${places}, but at the other nodes it does`, "give it that password there, too"), yields: true }]
}

function problem(code: string, says: string, remedy?: string): Finding {
  return { code, severity: "error", says, ...(remedy === undefined ? {} : { remedy }) }
}
