import type { Finding } from "../../../core/ports.ts"
import type { Seen } from "./catalog.ts"
import type { Options } from "./options.ts"
import { quoteName } from "./quote.ts"

/** May we change this role's password, and end its sessions? With the SQL that would let us. */
export function rightFindings({ admin, role }: Options, seen: Seen): readonly Finding[] {
  const who = admin?.user ?? role
  const found: Finding[] = []
  if (!mayAlter(seen)) {
    found.push({ code: "not-permitted", severity: "error", says: `${who} may not change the password of role ${role}`, remedy: letAlter(who, role, seen) })
  }
  if (!maySignal(seen)) {
    const says = `${who} may not see and end the sessions of role ${role}: end_sessions would fail`
    const remedy = `if sessions are to be ended: GRANT pg_signal_backend, pg_read_all_stats TO ${quoteName(who)}`
    found.push({ code: "sessions-out-of-reach", severity: "info", says, remedy })
  }
  if (admin !== undefined && seen.weAreSuperuser === "t") {
    const says = `admin ${who} is a superuser, which is more than it needs`
    found.push({ code: "admin-superuser", severity: "info", says, remedy: "CREATEROLE and ADMIN OPTION on the role are enough" })
  }
  return found
}

/**
 * Who may change a password (manual, ALTER ROLE): oneself; a superuser; CREATEROLE, since 16 only with ADMIN OPTION on the
 * role. A superuser's only a superuser, before 16 a replication role's, too.
 */
function mayAlter(seen: Seen): boolean {
  if (seen.self === "t" || seen.weAreSuperuser === "t") return true
  if (isForSuperusers(seen) || seen.weCreate !== "t") return false
  return seen.since16 !== "t" || seen.weAdminister === "t"
}

function isForSuperusers({ superuser, replication, since16 }: Seen): boolean {
  return superuser === "t" || (replication === "t" && since16 !== "t")
}

/** Nobody but a superuser ends a superuser's session (manual, Server Signaling Functions). */
function maySignal({ self, superuser, weAreSuperuser, weSignal }: Seen): boolean {
  return self === "t" || weAreSuperuser === "t" || (weSignal === "t" && superuser !== "t")
}

function letAlter(who: string, role: string, seen: Seen): string {
  if (isForSuperusers(seen)) return "only a superuser may: name one as admin, or leave admin out so that the role changes its own password"
  const create = `ALTER ROLE ${quoteName(who)} CREATEROLE`
  return seen.since16 === "t" ? `${create}; GRANT ${quoteName(role)} TO ${quoteName(who)} WITH ADMIN OPTION` : create
}
