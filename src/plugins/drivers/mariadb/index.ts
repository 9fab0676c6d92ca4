import { defineDriver } from "../../../core/define.ts"
import { sayAddress } from "../server/address.ts"
import { passwordShape } from "../server/password-options.ts"
import { parseAddress } from "./address.ts"
import { apply } from "./apply.ts"
import { revokeOthers } from "./revoke-others.ts"
import { deleteLogin, endSessions } from "./delete-login.ts"
import { MariadbOptions } from "./options.ts"
import { makeTarget, sayAccount } from "./target.ts"
import { preflight } from "./preflight.ts"
import { probe } from "./probe.ts"
import { revoke } from "./revoke.ts"
import { settle } from "./settle.ts"
import { readInstalled } from "./read-installed.ts"

/**
 * The password of one MariaDB account. Old and new live side by side, each by its hash, until
 * `revoke`.
 */
export const mariadb = defineDriver({
  type: "mariadb",
  summary: "the password of a MariaDB account, set beside the old one by ALTER USER",
  options: MariadbOptions,
  fields: ["user", "password"],
  shape: passwordShape,
  overlap: () => "both",
  server: ({ address }) => `mariadb://${sayAddress(parseAddress(address))}`,
  places: ({ address }) => [sayAddress(parseAddress(address))],
  logins: ({ address, user, host }) => [
    `mariadb://${sayAddress(parseAddress(address))} account ${user}@${host.toLowerCase()}`,
  ],
  open: (options, context) => {
    const target = makeTarget(options, context)
    return {
      overlap: "both",
      generate: (_, text) => ({
        user: options.user,
        password: text("password", passwordShape(options)),
      }),
      preflight: (versions, signal) => preflight(target, versions, signal),
      settle: (_, signal) => settle(target, signal),
      apply: (next, _, signal, options = {}) => apply(target, next, options, signal),
      probe: (candidate, signal, heard) => probe(target, candidate, signal, heard),
      revoke: (old, live, { endSessions }, signal) =>
        revoke(target, old, live, { endSessions, signal }),
      revokeOthers: (live, signal) => revokeOthers(target, live, signal),
      deleteLogin: (_, signal, waitedMs = 0) => deleteLogin(target, signal, waitedMs),
      endSessions: (_, signal) => endSessions(target, signal),
      readInstalled: (signal) => readInstalled(target, signal),
      drained: () => target.closing.drained(),
      describe: () => `ALTER USER ${sayAccount(target.account)} (second password)`,
    }
  },
})
