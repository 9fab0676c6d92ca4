import { afterAll, beforeAll, describe } from "bun:test"
import { Secret } from "../../../../src/core/secret.ts"
import type { Driver } from "../../../../src/core/ports.ts"
import { redis } from "../../../../src/plugins/drivers/redis/index.ts"
import { type RedisServer, startRedis } from "../../../support/servers/redis.ts"
import { type Harness, type Service, context, outagesOf, text } from "../conformance/harness.ts"
import { driverSuite } from "../conformance/suite.ts"

/** One user, kept in an ACL file and in redis.conf, with an admin and with the user changing itself. */
describe.each(["aclfile", "config"] as const)("Redis, users in its %s", (users) => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis({ users })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  driverSuite(
    "redis with an admin",
    harness(() => server, true),
  )
  driverSuite(
    "redis without an admin",
    harness(() => server, false),
  )
})

let made = 0

function harness(server: () => RedisServer, withAdmin: boolean): Harness {
  return { start: () => startService(server(), `app${++made}`, withAdmin) }
}

async function startService(
  server: RedisServer,
  user: string,
  withAdmin: boolean,
): Promise<Service> {
  const password = text("password").reveal()
  await server.command("ACL", "SETUSER", user, "on", `>${password}`, "~*", "+@all")
  await persist(server)
  const open = (admin = server.admin.password, port = server.port): Driver => {
    const named = withAdmin
      ? { admin: { user: server.admin.user, password: { env: "ADMIN" } } }
      : {}
    return redis.open(
      redis.options.parse({ address: `redis://127.0.0.1:${port}`, user, ...named }),
      context(server.folder, admin),
    )
  }
  return {
    current: { version: "v1", fields: { user, password: new Secret("password", password) } },
    open,
    stored: () => server.command("ACL", "LIST"),
    faulty: () => [open("wrong"), open(server.admin.password, 1)],
    ...outagesOf({
      start: () => server.start(),
      kill: () => server.stop("kill"),
      signal: (name) => server.signal(name),
    }),
  }
}

/** It is to be there after a restart. */
async function persist(server: RedisServer): Promise<void> {
  await server.command("ACL", "SAVE").catch(() => server.command("CONFIG", "REWRITE"))
}
