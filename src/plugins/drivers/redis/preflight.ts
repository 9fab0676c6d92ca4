import type { Credential, Finding, Trial, Versions } from "../../../core/ports.ts"
import { sayAddress } from "../server/address.ts"
import { adminRefused, findingOf, ownRefused, problem, unfitFinding } from "../server/findings.ts"
import { holdsCurrent, lacksCurrent, strangers } from "../server/two-passwords.ts"
import { passwordOf } from "../server/version.ts"
import type { Address } from "./address.ts"
import type { Connection } from "./connection.ts"
import { keeperFindings } from "./keeping.ts"
import { nodesOf, type RedisTarget } from "./target.ts"
import { powerFindings, rightFindings, type Tried, tryAll, tryKeeping } from "./rights.ts"
import { inSession } from "./session.ts"
import { type Node, topologyFindings } from "./topology.ts"
import { hashOf, userOf, userProblem } from "./user.ts"

function refusedLogin(
  { options: { admin, user }, context }: RedisTarget,
  message: string,
  where: string,
): Finding {
  if (admin !== undefined) return adminRefused(message, admin.user)
  const found = ownRefused(context.label, `user ${user}`, " (or the user is off)")
  return { ...found, message: `${where}${found.message}` }
}

type Seen = {
  readonly address: Address
  readonly tried: Tried | undefined
  readonly findings: readonly Finding[]
}

/**
 * What a rotation would fail on, seen at every node before any value exists. Where one follows, and
 * nothing else stands in its way, the server is made to write its users down now: it does so in a
 * rotation anyway, and only a try tells whether it can.
 */
export async function preflight(
  target: RedisTarget,
  versions: Versions,
  signal: AbortSignal,
  { trial }: Trial = { trial: false },
): Promise<readonly Finding[]> {
  const { user } = target.options
  const { current } = versions
  if (current !== undefined && userOf(target, current) !== user) {
    return [
      problem(
        "user-differs",
        `the current version belongs to another user than ${user}`,
        "adopt the password of this user, or put the former user back",
      ),
    ]
  }
  const seen = await Promise.all(
    nodesOf(target).map((address) => findingsAt(target, address, versions, { signal, trial })),
  )
  const nodes = seen.flatMap(({ address, tried }): Node[] =>
    tried?.info
      ? [
          {
            address,
            info: tried.info,
            clients: tried.clients ?? [],
            clusterNodes: tried.clusterNodes,
          },
        ]
      : [],
  )
  const found = [
    ...seen.flatMap(({ findings }) => findings),
    ...lackingFindings(target, seen, current),
  ]
  // Of nodes that could not be asked it is unknown which nodes they know.
  return nodes.length < seen.length ? found : [...found, ...topologyFindings(nodes, user)]
}

type PreflightOptions = Trial & { readonly signal: AbortSignal }

async function findingsAt(
  target: RedisTarget,
  address: Address,
  versions: Versions,
  { signal, trial }: PreflightOptions,
): Promise<Seen> {
  const where = target.also.length === 0 ? "" : `${sayAddress(address)}: `
  const logins = versions.current === undefined ? [] : [versions.current]
  try {
    return await inSession(target, address, { logins, signal, name: null }, async (connection) => {
      const { tried, findings } = await seenBy(target, connection, { versions, trial })
      const local = findings.map((one) => ({ ...one, message: `${where}${one.message}` }))
      return { address, tried, findings: local }
    })
  } catch (error) {
    return {
      address,
      tried: undefined,
      findings: [findingOf(error, (message) => refusedLogin(target, message, where))],
    }
  }
}

/** Tries what a rotation does; whether the server can save its users only if nothing else is wrong. */
async function seenBy(
  target: RedisTarget,
  connection: Connection,
  { versions, trial }: Trial & { readonly versions: Versions },
): Promise<{ readonly tried: Tried; readonly findings: readonly Finding[] }> {
  const findingsOf = (tried: Tried): readonly Finding[] => [
    ...rightFindings(target, tried),
    ...userFindings(target, tried, versions),
    ...keeperFindings(tried.keeper, trial),
  ]
  const looked = await tryAll(target, connection, trial)
  const isWrong = findingsOf(looked).some(({ severity }) => severity === "error")
  const kept = trial || isWrong ? undefined : await tryKeeping(connection)
  const tried = kept === undefined ? looked : { ...looked, ...kept }
  const power = tried.missing.includes("+acl|getuser")
    ? []
    : await powerFindings(target, connection, tried)
  return { tried, findings: [...findingsOf(tried), ...power] }
}

function userFindings(
  { options: { user: name }, context: { label } }: RedisTarget,
  { user }: Tried,
  versions: Versions,
): readonly Finding[] {
  if (user === undefined) return []
  const unfit = userProblem(user ?? undefined, name)
  if (unfit !== undefined)
    // Of a user that is there, a containment gives it its new value, and no other is taken.
    return user === null
      ? [unfitFinding(unfit)]
      : [{ ...unfitFinding(unfit), yields: true, silences: true }]
  // If we have no version, whether there is a password at all is asked by `readInstalled`.
  if (user === null || versions.current === undefined) return []
  // One that lacks ours has drifted: what it holds may be all that its programs have.
  const { hashes: held } = user
  if (!holdsCurrent(held, versions.current, hashOf)) return []
  const remedy =
    `find out whose it is: ACL GETUSER ${name} shows the hash of each, ` +
    "and ours is what printf %s PASSWORD | sha256sum says of the password in the output: " +
    `that one stays; if no program needs the other: ACL SETUSER ${name} '!HASH' with its hash, ` +
    `or mycelium rotate-now ${label} --contain, which ends all but a new one`
  return strangers({ name: `user ${name}`, held, label, remedy }, versions, hashOf)
}

/**
 * By what an admin sees; the engine finds it out by a login, too, but one that gets two answers
 * from two nodes only says "unknown".
 */
function lackingFindings(
  { options: { user }, context: { label } }: RedisTarget,
  seen: readonly Seen[],
  current: Credential | undefined,
): readonly Finding[] {
  if (current === undefined || passwordOf(current) === undefined) return []
  // What keeps a user from logging in at all has been said.
  const able = seen.filter(
    ({ tried }) => tried?.user != null && userProblem(tried.user, user) === undefined,
  )
  const lacking = able.filter(
    ({ tried }) => tried?.user?.hashes.includes(hashOf(current)) === false,
  )
  if (lacking.length === 0) return []
  if (lacking.length === seen.length) return [lacksCurrent(`user ${user}`, label)]
  const places = lacking.map(({ address }) => sayAddress(address)).join(", ")
  return [
    {
      ...problem(
        "redis-nodes-differ",
        `user ${user} does not have its present password at ${places}, but at the other nodes it does`,
        `give it that password there, too, beside what it holds: ACL SETUSER ${user} '>PASSWORD'`,
      ),
      yields: true,
    },
  ]
}
