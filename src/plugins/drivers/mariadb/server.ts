import type { Connection } from "./connection.ts"

export type ServerProblem = {
  readonly code: string
  readonly message: string
  readonly remedy: string
}

/**
 * Why this server, as it is set now, takes no password from us: found before one exists, and asked
 * again before it is sent.
 */
export async function serverProblems(connection: Connection): Promise<readonly ServerProblem[]> {
  const [row] = await connection.query(
    "SELECT @@global.read_only, @@global.max_password_errors, " +
      "@@global.strict_password_validation, (SELECT COUNT(*) FROM information_schema.PLUGINS " +
      "WHERE PLUGIN_TYPE = 'PASSWORD VALIDATION' AND PLUGIN_STATUS = 'ACTIVE')",
  )
  const [readOnly, mistakes, strict, validators] = row ?? []
  const found: ServerProblem[] = []
  // An admin that may write all the same would make a replica differ from its primary.
  if (readOnly !== "0" && readOnly !== "OFF")
    found.push({
      code: "read-only-server",
      message: "the server is read-only: a replica, or one that is being looked after",
      remedy: "give the address of the primary",
    })
  if (strict !== "0" && validators !== "0") {
    found.push({
      code: "mariadb-validates",
      message:
        "the server validates passwords and therefore takes no hashes, and we send nothing else",
      remedy:
        "SET GLOBAL strict_password_validation = OFF: passwords in clear are validated as before",
    })
  }
  if (!(Number(mistakes) >= mostMistakes)) {
    found.push({
      code: "mariadb-lockout",
      message:
        `the server blocks a user after ${mistakes} wrong passwords, ` +
        `and a rotation may try ${mostMistakes - 1} in a row to prove that they are wrong`,
      remedy: `SET GLOBAL max_password_errors = ${mostMistakes}, or more`,
    })
  }
  return found
}

/**
 * A random one, a pending and a current one that are refused, an older one; a login ends the
 * series.
 */
const mostMistakes = 5
