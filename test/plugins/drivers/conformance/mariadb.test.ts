import { afterAll, beforeAll } from "bun:test"
import { Secret } from "../../../../src/core/secret.ts"
import type { Driver } from "../../../../src/core/ports.ts"
import { mariadb } from "../../../../src/plugins/drivers/mariadb/index.ts"
import { type MariadbServer, startMariadb } from "../../../support/servers/mariadb.ts"
import { type Harness, type Service, context, outagesOf, text } from "./harness.ts"
import { driverSuite } from "./suite.ts"

/** One account of a real MariaDB. */
let server: MariadbServer
beforeAll(async () => {
  server = await startMariadb()
})
afterAll(() => server[Symbol.asyncDispose]())

let made = 0

async function start(): Promise<Service> {
  const user = `app${++made}`
  const password = text("password").reveal()
  await server.sql(`create user '${user}'@'%' identified by '${password}'`)
  const open = (admin = server.admin.password, port = server.port): Driver =>
    mariadb.open(
      mariadb.options.parse({
        address: `mariadb://127.0.0.1:${port}`,
        user,
        admin: { user: server.admin.user, password: { env: "ADMIN" } },
      }),
      context(server.folder, admin),
    )
  return {
    current: { version: "v1", fields: { user, password: new Secret("password", password) } },
    open: () => open(),
    stored: () => server.sql(`select Priv from mysql.global_priv where User = '${user}'`),
    faulty: () => [open("wrong"), open(server.admin.password, 1)],
    ...outagesOf({
      start: () => server.start(),
      kill: () => server.stop("kill"),
      signal: (name) => server.signal(name),
    }),
  }
}

driverSuite("mariadb", { start } satisfies Harness)
