import { listenerProblem } from "../server/listener.ts"
import { addressProblem, isLocal, parseAddress, sayAddress } from "./address.ts"
import type { Keys } from "./option-keys.ts"

/**
 * What no single option can know: whether they fit together. Sentences repeat nothing of what was
 * given.
 */

export type Conflict = { readonly path: readonly (string | number)[]; readonly says: string }

export function conflicts(options: Keys): readonly Conflict[] {
  return [
    ...roleConflicts(options),
    ...adminConflicts(options),
    ...wayConflicts(options),
    ...alsoConflicts(options),
  ]
}

function* roleConflicts({ role, roles, owner }: Keys): Generator<Conflict> {
  if (role === undefined && roles === undefined) {
    yield {
      path: ["role"],
      says: "write either role (one role) or roles (two that take turns, with their owner)",
    }
  }
  if (role !== undefined && roles !== undefined)
    yield { path: ["roles"], says: "role and roles contradict each other: leave one out" }
  if (roles === undefined) {
    if (owner !== undefined)
      yield {
        path: ["owner"],
        says: "owner belongs to a pair: name its two roles with roles, or leave owner out",
      }
    return
  }
  if (roles[0] === roles[1])
    yield { path: ["roles", 1], says: "the two roles of a pair must differ: they take turns" }
  if (owner === undefined)
    yield {
      path: ["owner"],
      says: "a pair needs an owner: the role without login that owns the objects, of which both are members",
    }
  else if (roles.includes(owner))
    yield {
      path: ["owner"],
      says: "the owner must be a third role: it owns the objects and never logs in",
    }
}

function* adminConflicts({ role, roles, owner, admin }: Keys): Generator<Conflict> {
  if (roles !== undefined && admin === undefined) {
    yield {
      path: ["admin"],
      says: "a pair needs an admin: neither role may change the other's password",
    }
  }
  if (admin === undefined) return
  if (admin.user === role)
    yield {
      path: ["admin"],
      says: "admin and role are the same: leave admin out, for a role may change its own password",
    }
  if (roles?.includes(admin.user) === true || (roles !== undefined && admin.user === owner)) {
    yield { path: ["admin"], says: "the admin must be a role of its own, none of the pair's" }
  }
}

function* wayConflicts(options: Keys): Generator<Conflict> {
  const local = [options.address, ...(options.also ?? [])].some(
    (text) => addressProblem(text) !== undefined || isLocal(parseAddress(text)),
  )
  const unguarded = listenerProblem(options.listener, local && options.tls === undefined)
  if (unguarded !== undefined) yield { path: ["listener"], says: unguarded }
  if (options.insecure === true && options.tls !== undefined) {
    yield { path: ["insecure"], says: "insecure and tls contradict each other: leave one out" }
  }
  if (
    options.send === "plaintext" &&
    options.insecure === true &&
    !isLocalAddress(options.address)
  ) {
    yield {
      path: ["send"],
      says: "a password in plain text needs verified TLS on the way: take insecure out",
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
        says: "this server is named already: also names the others, its standbys",
      }
    seen.add(server)
  }
}

/** An address that is not understood has a problem of its own; that one is enough. */
function isLocalAddress(text: string): boolean {
  return addressProblem(text) !== undefined || isLocal(parseAddress(text))
}

function serverOf(text: string): string {
  return addressProblem(text) === undefined ? sayAddress(parseAddress(text)) : text
}
