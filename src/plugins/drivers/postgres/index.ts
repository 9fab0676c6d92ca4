import { defineDriver } from "../../../core/define.ts"
import type { Credential } from "../../../core/ports.ts"
import { sayAddress } from "../server/address.ts"
import { parseAddress } from "./address.ts"
import { apply } from "./apply.ts"
import { roleOf } from "./candidate.ts"
import { expel } from "./expel.ts"
import { Options, valueShape } from "./options.ts"
import { forget } from "./forget.ts"
import { loginsOf, nextRole } from "./pair.ts"
import { makePlace } from "./place.ts"
import { preflight } from "./preflight.ts"
import { probe } from "./probe.ts"
import { revoke } from "./revoke.ts"
import { settle } from "./settle.ts"
import { stored } from "./stored.ts"

/**
 * The password of one PostgreSQL role: one value at a time, `apply` ends the old one. Or of a pair
 * of roles that take turns:
 * a version is a role with its password, both are accepted until `revoke` takes the previous one's
 * away.
 */
export const postgres = defineDriver({
  type: "postgres",
  summary:
    "the password of a PostgreSQL role, or of two that take turns, changed by ALTER ROLE with a SCRAM verifier",
  options: Options,
  fields: ["user", "password"],
  shape: valueShape,
  overlap: ({ roles }) => (roles === undefined ? "one" : "both"),
  logins: loginsOf,
  turns: ({ roles }) => roles ?? [],
  server: ({ address }) => `postgresql://${sayAddress(parseAddress(address))}`,
  open: (options, reach) => {
    const place = makePlace(options, reach)
    const { pair } = place
    const [only = ""] = place.roles
    return {
      overlap: pair === undefined ? "one" : "both",
      draft: ({ current }, text) => ({
        user: pair === undefined ? only : nextRole(pair, current),
        password: text("password", valueShape(options)),
        salt: text("salt"),
      }),
      preflight: (versions, signal) => preflight(place, versions, signal),
      settle: (known, signal, how) => settle(place, known, signal, how),
      apply: (next, versions, signal, how) => apply(place, next, { versions, ...how }, signal),
      probe: (candidate, signal, heard) => probe(place, candidate, signal, heard),
      revoke: (old, live, ask, signal) => revoke(place, old, live, ask, signal),
      expel: (live, signal, waitedMs = 0) => expel(place, live, signal, waitedMs),
      ...(options.admin === undefined
        ? {}
        : {
            stored: (signal: AbortSignal) => stored(place, signal),
            forget: (known: readonly Credential[], signal: AbortSignal, waitedMs = 0) =>
              forget(place, known, signal, waitedMs),
          }),
      describe: ({ pending, current }) => {
        const role =
          pair === undefined
            ? only
            : pending === undefined
              ? nextRole(pair, current)
              : roleOf(place, pending)
        return `ALTER ROLE ${role} (${options.send ?? "verifier"})`
      },
    }
  },
})
