import type { Finding } from "../../../core/ports.ts"
import { problem } from "../server/findings.ts"
import type { Pair } from "./pair.ts"
import type { PairSeen, RoleSeen } from "./pair-catalog.ts"
import { quoteName } from "./quote.ts"

/** The way from either role to the owner: without it the two are not the same to the database. */

/**
 * `leaves`: programs still log in as the owner, and the rotation that is looked at takes them to
 * the pair.
 */
export function ownerFindings(
  { owner }: Pair,
  { roles }: PairSeen,
  leaves: boolean,
): readonly Finding[] {
  const seen = roles.get(owner)
  if (seen === undefined)
    return [
      problem(
        "owner-missing",
        `role ${owner}, the owner, does not exist`,
        `CREATE ROLE ${quoteName(owner)} NOLOGIN`,
      ),
    ]
  if (seen.login !== "t") return []
  const message = `role ${owner}, the owner, may log in: a password of its own would never rotate`
  const remedy = `ALTER ROLE ${quoteName(owner)} NOLOGIN PASSWORD NULL`
  if (leaves)
    return [
      {
        code: "owner-can-login",
        severity: "info",
        message:
          `programs log in as ${owner}, the owner, until this rotation; ` +
          `nothing is to be done before it. Once its password is revoked: ${remedy}, ` +
          "or the next rotation does not begin",
      },
    ]
  return [problem("owner-can-login", message, `once no program logs in as it: ${remedy}`)]
}

/**
 * `since16`: a membership has options of its own, which count; before that the role's attribute
 * does.
 */
export function memberFindings(
  { name, becomes, inherits }: RoleSeen,
  { owner }: Pair,
  since16: boolean,
): readonly Finding[] {
  const grant = `GRANT ${quoteName(owner)} TO ${quoteName(name ?? "")}`
  const remedy = since16
    ? `${grant} WITH INHERIT TRUE, SET TRUE`
    : `${grant}; ALTER ROLE ${quoteName(name ?? "")} INHERIT`
  if (becomes === "t" && inherits === "t") return []
  if (becomes === "t")
    return [
      problem(
        "pair-no-inherit",
        `role ${name} does not inherit the rights of ${owner} (INHERIT), the one to connect among them`,
        remedy,
      ),
    ]
  if (inherits === "t")
    return [
      problem(
        "pair-no-set",
        `role ${name} may not become ${owner} (SET): what it makes would be its own`,
        remedy,
      ),
    ]
  return [
    problem(
      "pair-no-member",
      `role ${name} is no member of ${owner}: it needs INHERIT and SET on it`,
      remedy,
    ),
  ]
}

/**
 * What programs do at login: `role = owner`, for all databases or for theirs; the closer one wins
 * (manual, ALTER ROLE).
 */
export function becomingFindings(
  role: string,
  { owner }: Pair,
  { settings }: PairSeen,
  database: string,
): readonly Finding[] {
  const own = settings.filter((one) => one.role === role && one.name === "role")
  const close = own.find((one) => one.database === database)
  if ((close ?? own.find((one) => one.database === ""))?.value === owner) return []
  const alter = `ALTER ROLE ${quoteName(role)}`
  const reset =
    close === undefined ? "" : `${alter} IN DATABASE ${quoteName(database)} RESET role; `
  return [
    problem(
      "pair-role-setting",
      `role ${role} does not become ${owner} at login: role = ${owner} is not its setting`,
      `${reset}${alter} SET role = ${quoteName(owner)}`,
    ),
  ]
}

export function connectFindings(
  role: RoleSeen,
  { owner }: Pair,
  database: string,
): readonly Finding[] {
  if (role.connects === "t") return []
  if (role.connects === null)
    return [
      problem(
        "database-missing",
        `there is no database ${database}`,
        "name in the address the database that programs use",
      ),
    ]
  return [
    problem(
      "pair-no-connect",
      `role ${role.name} may not connect to database ${database}`,
      `GRANT CONNECT ON DATABASE ${quoteName(database)} TO ${quoteName(owner)}`,
    ),
  ]
}

/** Rights that only one of the two has are lost at every other rotation. */
export function belongingFindings(
  { owner }: Pair,
  { belongings, memberships }: PairSeen,
): readonly Finding[] {
  return [
    ...belongings.map(({ role, kind, database, count }) => {
      const where = database === "" ? "" : ` in database ${database}`
      const things = count === 1 ? "one object" : `${count} objects`
      // In this order: DROP OWNED takes rights away, and would drop what the role still owned.
      const clear =
        `REASSIGN OWNED BY ${quoteName(role)} TO ${quoteName(owner)}; ` +
        `DROP OWNED BY ${quoteName(role)}`
      const there = `${database === "" ? "" : `in database ${database}: `}${clear}`
      if (kind === "owns")
        return problem(
          "pair-owns",
          `role ${role} owns ${things}${where} itself, which the other role cannot change`,
          there,
        )
      return problem(
        "pair-granted",
        `role ${role} is granted rights on ${things}${where} itself, which the other role lacks`,
        `grant ${owner} the same first; then, ${there}`,
      )
    }),
    ...memberships.map(({ role, group }) => {
      const [held, to] = [quoteName(group), quoteName(owner)]
      return problem(
        "pair-granted",
        `role ${role} is itself a member of role ${group}`,
        `GRANT ${held} TO ${to}; REVOKE ${held} FROM ${quoteName(role)}`,
      )
    }),
  ]
}
