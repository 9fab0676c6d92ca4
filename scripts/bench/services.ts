import { randomText } from "../../src/base/text/random-text.ts"
import { postgresPair } from "../../src/cli/commands/postgres-pair.ts"
import type { PostgresServer } from "../../test/support/servers/postgres.ts"
import type { RedisServer } from "../../test/support/servers/redis.ts"
import type { Service } from "./a-program.ts"

export function newPassword(): string {
  return randomText(32, (count) => crypto.getRandomValues(new Uint8Array(count)))
}

/** A user of Redis, rotated by the server's admin. */
export async function redisService(
  server: RedisServer,
  user: string,
  grace: string,
): Promise<Service> {
  const password = newPassword()
  await server.command("ACL", "SETUSER", user, "on", `>${password}`, "~*", "+@all")
  await server.command("ACL", "SAVE")
  const options =
    `address: "redis://127.0.0.1:${server.port}", user: ${user}, admin: ` +
    `{ user: ${server.admin.user}, password: { file: admin-${user} } }, grace: ${grace}`
  return {
    kind: "redis",
    port: server.port,
    options,
    login: { user, password },
    admin: { file: `admin-${user}`, password: server.admin.password },
  }
}

/** One role that changes its own password. */
export async function roleService(server: PostgresServer, role: string): Promise<Service> {
  const password = newPassword()
  await server.sql(`CREATE ROLE ${role} LOGIN PASSWORD '${password}'`)
  return {
    kind: "postgres",
    port: server.port,
    options: `address: "${addressOf(server)}", role: ${role}`,
    login: { user: role, password },
  }
}

/** Two roles in turn, as `init --postgres-pair` makes them; the first is the one that is live. */
export async function pairService(
  server: PostgresServer,
  name: string,
  grace: string,
): Promise<Service> {
  const [password, admin] = [newPassword(), newPassword()]
  await server.sql(postgresPair(name).sql)
  await server.sql(
    `ALTER ROLE ${name}_rotator PASSWORD '${admin}'; ALTER ROLE ${name}_blue PASSWORD '${password}'`,
  )
  const options =
    `address: "${addressOf(server)}", roles: [${name}_blue, ${name}_green], ` +
    `owner: ${name}_owner, admin: { user: ${name}_rotator, password: { file: ` +
    `admin-${name} } }, grace: ${grace}`
  return {
    kind: "postgres",
    port: server.port,
    options,
    login: { user: `${name}_blue`, password },
    admin: { file: `admin-${name}`, password: admin },
  }
}

export function addressOf(server: PostgresServer): string {
  return `postgresql://127.0.0.1:${server.port}/postgres`
}
