import { defineDriver } from "../../../core/define.ts"
import { sayAddress } from "../server/address.ts"
import { parseAddress } from "./address.ts"
import { apply } from "./apply.ts"
import { expel } from "./expel.ts"
import { forget } from "./forget.ts"
import { Options, valueShape } from "./options.ts"
import { makePlace, sayAccount } from "./place.ts"
import { preflight } from "./preflight.ts"
import { probe } from "./probe.ts"
import { revoke } from "./revoke.ts"
import { settle } from "./settle.ts"
import { stored } from "./stored.ts"

/**
 * The password of one MariaDB account. Old and new live side by side, each by its hash, until
 * `revoke`.
 */
export const mariadb = defineDriver({
  type: "mariadb",
  summary: "the password of a MariaDB account, set beside the old one by ALTER USER",
  options: Options,
  fields: ["user", "password"],
  shape: valueShape,
  overlap: () => "both",
  server: ({ address }) => `mariadb://${sayAddress(parseAddress(address))}`,
  logins: ({ address, user, host }) => [
    `mariadb://${sayAddress(parseAddress(address))} account ${user}@${host.toLowerCase()}`,
  ],
  open: (options, reach) => {
    const place = makePlace(options, reach)
    return {
      overlap: "both",
      draft: (_, text) => ({ user: options.user, password: text("password", valueShape(options)) }),
      preflight: (versions, signal) => preflight(place, versions, signal),
      settle: (_, signal) => settle(place, signal),
      apply: (next, _, signal, how = {}) => apply(place, next, how, signal),
      probe: (candidate, signal, heard) => probe(place, candidate, signal, heard),
      revoke: (old, live, { endSessions }, signal) => revoke(place, old, live, endSessions, signal),
      expel: (live, signal) => expel(place, live, signal),
      forget: (_, signal, waitedMs = 0) => forget(place, signal, waitedMs),
      stored: (signal) => stored(place, signal),
      describe: () => `ALTER USER ${sayAccount(place.account)} (second password)`,
    }
  },
})
