import { defineDriver } from "../../../core/define.ts"
import type { Credential } from "../../../core/ports.ts"
import { isLocal, sayAddress } from "../server/address.ts"
import { passwordShape } from "../server/password-options.ts"
import { isEncrypted, parseAddress } from "./address.ts"
import { apply } from "./apply.ts"
import { revokeOthers } from "./revoke-others.ts"
import { deleteLogin, endSessions } from "./delete-login.ts"
import { RedisOptions } from "./options.ts"
import { makeTarget } from "./target.ts"
import { preflight } from "./preflight.ts"
import { probe } from "./probe.ts"
import { revoke } from "./revoke.ts"
import { settle } from "./settle.ts"
import { readInstalled } from "./read-installed.ts"

/**
 * The password of one Redis user. Old and new live side by side, each by its hash, until `revoke`.
 */
export const redis = defineDriver({
  type: "redis",
  summary: "the password of a Redis user, added beside the old one by ACL SETUSER",
  options: RedisOptions,
  fields: ["user", "password"],
  shape: passwordShape,
  overlap: () => "both",
  server: ({ address }) => `redis://${sayAddress(parseAddress(address))}`,
  places: ({ address, also }) =>
    [address, ...(also ?? [])].map((one) => sayAddress(parseAddress(one))),
  inClear: ({ address, also }) =>
    [address, ...(also ?? [])]
      .map(parseAddress)
      .filter((one) => !("socket" in one) && !isEncrypted(one) && isLocal(one))
      .map(sayAddress),
  logins: ({ address, also, user }) => [address, ...(also ?? [])].map((one) => loginAt(one, user)),
  open: (options, context) => {
    const target = makeTarget(options, context)
    return {
      overlap: "both",
      generate: (_, text) => ({
        user: options.user,
        password: text("password", passwordShape(options)),
      }),
      preflight: (versions, signal, options) => preflight(target, versions, signal, options),
      settle: (candidates, signal) => settle(target, candidates, signal),
      apply: (next, versions, signal, options) =>
        apply(target, next, { versions, ...options }, signal),
      probe: (candidate, signal, heard) => probe(target, candidate, signal, heard),
      revoke: (old, live, { endSessions }, signal) =>
        revoke(target, old, live, { endSessions, signal }),
      revokeOthers: (live, signal) => revokeOthers(target, live, signal),
      ...(options.admin === undefined
        ? {}
        : {
            readInstalled: (signal: AbortSignal) => readInstalled(target, signal),
            deleteLogin: (candidates: readonly Credential[], signal: AbortSignal) =>
              deleteLogin(target, candidates, signal),
            endSessions: (candidates: readonly Credential[], signal: AbortSignal) =>
              endSessions(target, candidates, signal),
          }),
      describe: () => `ACL SETUSER ${options.user} #… (second password)`,
    }
  },
})

function loginAt(address: string, user: string): string {
  return `redis://${sayAddress(parseAddress(address))} user ${user}`
}
