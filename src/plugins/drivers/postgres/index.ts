import { defineDriver } from "../../../core/define.ts"
import type { Credential, Versions } from "../../../core/ports.ts"
import { sayAddress } from "../server/address.ts"
import { passwordShape } from "../server/password-options.ts"
import { parseAddress } from "./address.ts"
import { apply } from "./apply.ts"
import { roleOf } from "./candidate.ts"
import { revokeOthers } from "./revoke-others.ts"
import { PostgresOptions } from "./options.ts"
import { deleteLogin, endSessions } from "./delete-login.ts"
import { loginsOf, nextRole } from "./pair.ts"
import { dropEarly, everywhere, makeTarget, type PostgresTarget } from "./target.ts"
import { preflight } from "./preflight.ts"
import { probe } from "./probe.ts"
import { revoke } from "./revoke.ts"
import { settle } from "./settle.ts"
import { readInstalled } from "./read-installed.ts"

/**
 * The password of one PostgreSQL role: one value at a time, `apply` ends the old one. Or of a pair
 * of roles that take turns: a version is a role with its password, both are accepted until `revoke`
 * takes the previous one's away.
 */
export const postgres = defineDriver({
  type: "postgres",
  summary:
    "the password of a PostgreSQL role, or of two that take turns, changed by ALTER ROLE with " +
    "a SCRAM verifier",
  options: PostgresOptions,
  fields: ["user", "password"],
  shape: passwordShape,
  overlap: ({ roles }) => (roles === undefined ? "one" : "both"),
  logins: loginsOf,
  turns: ({ roles }) => roles ?? [],
  server: ({ address }) => `postgresql://${sayAddress(parseAddress(address))}`,
  places: ({ address }) => [sayAddress(parseAddress(address))],
  open: (options, context) => {
    const target = makeTarget(options, context)
    const { pair } = target
    const [only = ""] = target.roles
    return {
      overlap: pair === undefined ? "one" : "both",
      generate: ({ current }, text) => ({
        user: pair === undefined ? only : nextRole(pair, current),
        password: text("password", passwordShape(options)),
        salt: text("salt"),
      }),
      preflight: (versions, signal) => preflight(target, versions, signal),
      settle: (candidates, signal, options) => settle(target, candidates, signal, options),
      apply: (next, versions, signal, options) =>
        apply(target, next, { versions, ...options }, signal),
      drained: async () => {
        dropEarly(target)
        // The server takes a millisecond or two to hang up, in which programs are locked out.
        if (!target.seats.areFew) return
        await Promise.all(everywhere(target).map(({ closing }) => closing.drained()))
      },
      probe: (candidate, signal, heard) => probe(target, candidate, signal, heard),
      revoke: (old, live, ask, signal) => revoke(target, old, live, { ...ask, signal }),
      revokeOthers: (live, signal, waitedMs = 0) => revokeOthers(target, live, signal, waitedMs),
      ...(options.admin === undefined
        ? {}
        : {
            readInstalled: (signal: AbortSignal) => readInstalled(target, signal),
            deleteLogin: (candidates: readonly Credential[], signal: AbortSignal, waitedMs = 0) =>
              deleteLogin(target, candidates, signal, waitedMs),
            endSessions: (candidates: readonly Credential[], signal: AbortSignal) =>
              endSessions(target, candidates, signal),
          }),
      describe: (versions) =>
        `ALTER ROLE ${changedRole(target, versions)} (${options.send ?? "verifier"})`,
    }
  },
})

/** The role that a rotation changes. */
function changedRole(target: PostgresTarget, { pending, current }: Versions): string {
  const { pair, roles } = target
  if (pair === undefined) return roles[0] ?? ""
  return pending === undefined ? nextRole(pair, current) : roleOf(target, pending)
}
