import { defineDriver } from "../../../core/define.ts"
import { sayAddress, parseAddress } from "./address.ts"
import { apply } from "./apply.ts"
import { Options } from "./options.ts"
import { makePlace } from "./place.ts"
import { preflight } from "./preflight.ts"
import { probe } from "./probe.ts"
import { endOlderSessions, settle } from "./sessions.ts"
import { stored } from "./stored.ts"

/** The password of one PostgreSQL role. One value at a time: `apply` ends the old one, `revoke` has only its sessions left. */
export const postgres = defineDriver({
  type: "postgres",
  summary: "the password of a PostgreSQL role, changed by ALTER ROLE with a SCRAM verifier",
  options: Options,
  fields: ["user", "password"],
  overlap: () => "one",
  // A role is the cluster's, whatever database it logs in to.
  login: ({ address, role }) => `postgresql://${sayAddress(parseAddress(address))} role ${role}`,
  open: (options, reach) => {
    const place = makePlace(options, reach)
    return {
      overlap: "one",
      draft: (_, text) => ({ user: options.role, password: text("password", options.length), salt: text("salt") }),
      preflight: (versions, signal) => preflight(place, versions, signal),
      settle: (known, signal) => settle(place, known, signal),
      apply: (next, versions, signal) => apply(place, next, versions, signal),
      probe: (candidate, signal) => probe(place, candidate, signal),
      revoke: async (_, live, { endSessions }, signal) => ({
        sessionsEnded: endSessions ? await endOlderSessions(place, live, signal) : 0,
      }),
      ...(options.admin === undefined ? {} : { stored: (signal: AbortSignal) => stored(place, signal) }),
      describe: () => `ALTER ROLE ${options.role} (${options.send ?? "verifier"})`,
    }
  },
})
