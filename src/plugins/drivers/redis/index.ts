import { defineDriver } from "../../../core/define.ts"
import type { Credential } from "../../../core/ports.ts"
import { isLocal, sayAddress } from "../server/address.ts"
import { isEncrypted, parseAddress } from "./address.ts"
import { apply } from "./apply.ts"
import { expel } from "./expel.ts"
import { forget } from "./forget.ts"
import { Options, valueShape } from "./options.ts"
import { makePlace } from "./place.ts"
import { preflight } from "./preflight.ts"
import { probe } from "./probe.ts"
import { revoke } from "./revoke.ts"
import { settle } from "./settle.ts"
import { stored } from "./stored.ts"

/**
 * The password of one Redis user. Old and new live side by side, each by its hash, until `revoke`.
 */
export const redis = defineDriver({
  type: "redis",
  summary: "the password of a Redis user, added beside the old one by ACL SETUSER",
  options: Options,
  fields: ["user", "password"],
  shape: valueShape,
  overlap: () => "both",
  server: ({ address }) => `redis://${sayAddress(parseAddress(address))}`,
  inClear: ({ address, also }) =>
    [address, ...(also ?? [])]
      .map(parseAddress)
      .filter((one) => !("socket" in one) && !isEncrypted(one) && isLocal(one))
      .map(sayAddress),
  logins: ({ address, also, user }) => [address, ...(also ?? [])].map((one) => loginAt(one, user)),
  open: (options, reach) => {
    const place = makePlace(options, reach)
    return {
      overlap: "both",
      draft: (_, text) => ({ user: options.user, password: text("password", valueShape(options)) }),
      preflight: (versions, signal, how) => preflight(place, versions, signal, how),
      settle: (known, signal) => settle(place, known, signal),
      apply: (next, versions, signal) => apply(place, next, versions, signal),
      probe: (candidate, signal, heard) => probe(place, candidate, signal, heard),
      revoke: (old, live, ask, signal) => revoke(place, old, live, ask, signal),
      expel: (live, signal) => expel(place, live, signal),
      ...(options.admin === undefined
        ? {}
        : {
            stored: (signal: AbortSignal) => stored(place, signal),
            forget: (known: readonly Credential[], signal: AbortSignal) =>
              forget(place, known, signal),
          }),
      describe: () => `ACL SETUSER ${options.user} #… (second password)`,
    }
  },
})

function loginAt(address: string, user: string): string {
  return `redis://${sayAddress(parseAddress(address))} user ${user}`
}
