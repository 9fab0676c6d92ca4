import { afterAll, beforeAll, describe } from "bun:test"
import { Secret } from "../../../../src/core/secret.ts"
import type { Driver } from "../../../../src/core/ports.ts"
import { postgres } from "../../../../src/plugins/drivers/postgres/index.ts"
import { type PostgresServer, startPostgres } from "../../../support/servers/postgres.ts"
import { type Harness, type Service, context, outagesOf, text } from "./harness.ts"
import { driverSuite } from "./suite.ts"

/**
 * One role, PostgreSQL of this machine and a newer one, with an admin and with the role changing
 * its own password.
 */
describe.each(["system", "newer"] as const)("PostgreSQL, %s", (which) => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres({ which })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  driverSuite(
    "postgres with an admin",
    harness(() => server, true),
  )
  driverSuite(
    "postgres without an admin",
    harness(() => server, false),
  )
})

let roles = 0

function harness(server: () => PostgresServer, withAdmin: boolean): Harness {
  return { start: () => startService(server(), `app${++roles}`, withAdmin) }
}

async function startService(
  server: PostgresServer,
  role: string,
  withAdmin: boolean,
): Promise<Service> {
  const password = text("password")
  await server.sql(`create role ${role} login password '${password.reveal()}'`)
  const open = (
    admin = server.password,
    address = `postgresql://127.0.0.1:${server.port}/postgres`,
  ): Driver => {
    const named = withAdmin ? { admin: { user: server.superuser, password: { env: "ADMIN" } } } : {}
    return postgres.open(
      postgres.options.parse({ address, role, ...named }),
      context(server.folder, admin),
    )
  }
  return {
    current: {
      version: "v1",
      fields: { user: role, password: new Secret("password", password.reveal()) },
    },
    open,
    stored: async () => server.sql(`select * from pg_authid where rolname = '${role}'`),
    faulty: () => [
      open("wrong"),
      open(server.password, `postgresql://127.0.0.1:${server.port}/none`),
    ],
    ...outagesOf({
      start: () => server.start(),
      kill: () => server.stop("immediate"),
      signal: (name) => server.signal(name, "all"),
    }),
  }
}
