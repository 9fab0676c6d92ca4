import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Driver, PluginContext } from "../../../../src/core/ports.ts"
import { Secret } from "../../../../src/core/secret.ts"
import { mariadb } from "../../../../src/plugins/drivers/mariadb/index.ts"
import { postgres } from "../../../../src/plugins/drivers/postgres/index.ts"
import { rabbitmq } from "../../../../src/plugins/drivers/rabbitmq/index.ts"
import { redis } from "../../../../src/plugins/drivers/redis/index.ts"
import { errorOf } from "../../../support/error-of.ts"
import { startMariadb } from "../../../support/servers/mariadb.ts"
import { startPostgres } from "../../../support/servers/postgres.ts"
import { startRabbitmq } from "../../../support/servers/rabbitmq.ts"
import { startRedis } from "../../../support/servers/redis.ts"
import { host, peer, soon } from "../harness.ts"

/** The same failure has the same code, whatever the server: so a person learns it once. */

const other = "a-password-that-is-not-ours"
const old = "the-password-that-it-has"

/** No message of any of their protocols begins like this. */
const greetings = Buffer.from("R\xff\xff\xff\xff\r\n", "latin1")

type Kind = {
  /** For this account of the server, by this password of the admin. */
  readonly open: (how: { user: string; password: string; port?: number; tls?: object }) => Driver
  readonly port: number
  readonly password: string
  readonly stop: () => Promise<void>
  readonly dispose: () => PromiseLike<void>
  readonly locked: (user: string) => Promise<unknown>
  readonly make: (user: string) => Promise<unknown>
  /** Gives it a second password beside. */
  readonly second?: (user: string) => Promise<unknown>
  readonly current: (user: string) => {
    version: string
    fields: { user: string; password: Secret }
  }
}

const context = (password: string): PluginContext => ({
  host,
  label: "production/codes",
  owner: "0a1b2c3d4e5f",
  folder: "/",
  credential: async () => new Secret("admin", password),
})
const current: Kind["current"] = (user) => ({
  version: "v1",
  fields: { user, password: new Secret("password", old) },
})

async function ofPostgres(): Promise<Kind> {
  const server = await startPostgres()
  return {
    port: server.port,
    password: server.password,
    current,
    stop: () => server.stop("immediate"),
    dispose: () => server[Symbol.asyncDispose](),
    make: (user) => server.sql(`create role ${user} login password '${old}'`),
    locked: (user) => server.sql(`alter role ${user} nologin`),
    open: ({ user, password, port = server.port, tls }) =>
      postgres.open(
        postgres.options.parse({
          address: `postgresql://127.0.0.1:${port}/postgres`,
          role: user,
          admin: { user: server.superuser, password: { env: "X" } },
          tls,
        }),
        context(password),
      ),
  }
}

async function ofMariadb(): Promise<Kind> {
  const server = await startMariadb()
  const at = (user: string): string => `'${user}'@'%'`
  return {
    port: server.port,
    password: server.admin.password,
    current,
    stop: () => server.stop("kill"),
    dispose: () => server[Symbol.asyncDispose](),
    make: (user) => server.sql(`create user ${at(user)} identified by '${old}'`),
    locked: (user) => server.sql(`alter user ${at(user)} account lock`),
    second: (user) =>
      server.sql(
        `alter user ${at(user)} identified via mysql_native_password using password('${old}') ` +
          `or mysql_native_password using password('${other}')`,
      ),
    open: ({ user, password, port = server.port, tls }) =>
      mariadb.open(
        mariadb.options.parse({
          address: `mariadb://127.0.0.1:${port}`,
          user,
          admin: { user: server.admin.user, password: { env: "X" } },
          tls,
        }),
        context(password),
      ),
  }
}

async function ofRedis(): Promise<Kind> {
  const server = await startRedis()
  return {
    port: server.port,
    password: server.admin.password,
    current,
    stop: () => server.stop("kill"),
    dispose: () => server[Symbol.asyncDispose](),
    make: (user) => server.command("ACL", "SETUSER", user, "on", `>${old}`, "+@all", "~*"),
    locked: (user) => server.command("ACL", "SETUSER", user, "off"),
    second: (user) => server.command("ACL", "SETUSER", user, `>${other}`),
    open: ({ user, password, port = server.port, tls }) =>
      redis.open(
        redis.options.parse({
          address: `redis${tls === undefined ? "" : "s"}://127.0.0.1:${port}`,
          user,
          admin: { user: server.admin.user, password: { env: "X" } },
          tls,
        }),
        context(password),
      ),
  }
}

async function ofRabbitmq(): Promise<Kind> {
  const server = await startRabbitmq()
  return {
    port: server.port,
    password: server.admin.password,
    current,
    stop: () => server.stop("kill"),
    dispose: () => server[Symbol.asyncDispose](),
    make: (user) => server.user(user, old),
    locked: (user) => server.ask("PUT", `user-limits/${user}/max-connections`, { value: 0 }),
    open: ({ user, password, port = server.port, tls }) =>
      rabbitmq.open(
        rabbitmq.options.parse({
          address: `http${tls === undefined ? "" : "s"}://127.0.0.1:${port}`,
          user,
          admin: { user: server.admin.user, password: { env: "X" } },
          tls,
        }),
        context(password),
      ),
  }
}

describe.each([
  ["PostgreSQL", ofPostgres],
  ["MariaDB", ofMariadb],
  ["RabbitMQ", ofRabbitmq],
  ["Redis", ofRedis],
])("%s", (_, start) => {
  let kind: Kind
  beforeAll(async () => {
    kind = await start()
  }, 60_000)
  afterAll(() => kind.dispose())

  /** Of what preflight finds, all but notes on the admin's rights. */
  const codes = async (user: string, how: object = {}): Promise<readonly string[]> => {
    const driver = kind.open({ user, password: kind.password, ...how })
    const found = await driver.preflight({ current: kind.current(user), uncertain: [] }, soon())
    return found.filter(({ severity }) => severity === "error").map(({ code }) => code)
  }

  test("a kind of failure has its one code", async () => {
    await kind.make("shop")
    await kind.make("closed")
    await kind.locked("closed")
    expect(await codes("shop")).toEqual([])
    expect(await codes("nobody")).toContain("account-missing")
    expect(await codes("closed")).toContain("account-locked")
    expect(await codes("shop", { password: other })).toEqual(["password-refused"])
    expect(await codes("shop", { tls: { ca: "no-such-file.pem" } })).toEqual([
      "tls-file-unreadable",
    ])
    const powerful = await kind
      .open({ user: "shop", password: kind.password })
      .preflight({ current: kind.current("shop"), uncertain: [] }, soon())
    expect(powerful.map(({ code }) => code)).toContain("admin-too-powerful")
    if (kind.second !== undefined) {
      await kind.make("both")
      await kind.second("both")
      expect(await codes("both")).toEqual(["unknown-password"])
      const [old, gone] = [kind.current("both"), kind.current("both")]
      gone.fields.password = new Secret("password", "one-that-it-never-had")
      const driver = kind.open({ user: "both", password: kind.password })
      const act = driver.revoke(old, gone, { endSessions: false }, soon())
      expect(await errorOf(Promise.resolve(act))).toMatchObject({ code: "live-missing" })
    }
  })

  test("so has what answers that is no such server, and what does not answer", async () => {
    await using web = await peer((socket) => void socket.write(greetings))
    const driver = kind.open({ user: "shop", password: kind.password, port: web.port })
    const found = await driver.preflight({ uncertain: [] }, soon())
    expect(found.map(({ code }) => code)).toEqual(["answer-malformed"])
    await kind.stop()
    const gone = kind.open({ user: "shop", password: kind.password })
    expect(await errorOf(gone.preflight({ uncertain: [] }, soon()))).toMatchObject({
      code: "unreachable",
      remedy: "retry",
    })
  })
})
