import { isLocal, sayAddress } from "../server/address.ts"
import { type Conflict, isGuarded, understood, wayConflicts } from "../server/options.ts"
import { parseAddress } from "./address.ts"
import type { Keys } from "./option-keys.ts"

/**
 * What no single option can know: whether they fit together. Sentences repeat nothing of what was
 * given.
 */

export function conflicts(options: Keys): readonly Conflict[] {
  return [
    ...roleConflicts(options),
    ...adminConflicts(options),
    ...encryptionConflicts(options),
    ...alsoConflicts(options),
  ]
}

function* roleConflicts({ role, roles, owner }: Keys): Generator<Conflict> {
  if (role === undefined && roles === undefined) {
    yield {
      path: ["role"],
      message: "write either role (one role) or roles (two that take turns, with their owner)",
    }
  }
  if (role !== undefined && roles !== undefined)
    yield { path: ["roles"], message: "role and roles contradict each other: leave one out" }
  if (roles === undefined) {
    if (owner !== undefined)
      yield {
        path: ["owner"],
        message: "owner belongs to a pair: name its two roles with roles, or leave owner out",
      }
    return
  }
  if (roles[0] === roles[1])
    yield { path: ["roles", 1], message: "the two roles of a pair must differ: they take turns" }
  if (owner === undefined)
    yield {
      path: ["owner"],
      message:
        "a pair needs an owner: the role without login that owns the objects, of which both are members",
    }
  else if (roles.includes(owner))
    yield {
      path: ["owner"],
      message: "the owner must be a third role: it owns the objects and never logs in",
    }
}

function* adminConflicts({ role, roles, owner, admin }: Keys): Generator<Conflict> {
  if (roles !== undefined && admin === undefined) {
    yield {
      path: ["admin"],
      message: "a pair needs an admin: neither role may change the other's password",
    }
  }
  if (admin === undefined) return
  if (admin.user === role)
    yield {
      path: ["admin"],
      message:
        "admin and role are the same: leave admin out, for a role may change its own password",
    }
  if (roles?.includes(admin.user) === true || (roles !== undefined && admin.user === owner)) {
    yield { path: ["admin"], message: "the admin must be a role of its own, none of the pair's" }
  }
}

function* encryptionConflicts(options: Keys): Generator<Conflict> {
  const { address, also = [], tls, insecure, send } = options
  const addresses = understood(parseAddress, [address, ...also])
  yield* wayConflicts(
    options,
    addresses.length <= also.length || addresses.some((one) => isGuarded(one, tls !== undefined)),
  )
  const isHere = understood(parseAddress, [address]).every(isLocal)
  if (send === "plaintext" && insecure === true && !isHere) {
    yield {
      path: ["send"],
      message: "a password in plain text needs verified TLS on the way: take insecure out",
    }
  }
}

function* alsoConflicts({ address, also = [] }: Keys): Generator<Conflict> {
  const seen = new Set([serverOf(address)])
  for (const [index, text] of also.entries()) {
    const server = serverOf(text)
    if (seen.has(server))
      yield {
        path: ["also", index],
        message: "this server is named already: also names the others, its standbys",
      }
    seen.add(server)
  }
}

function serverOf(text: string): string {
  return understood(parseAddress, [text]).map(sayAddress)[0] ?? text
}
