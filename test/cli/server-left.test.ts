import { expect, test } from "bun:test"
import { createHash, randomBytes } from "node:crypto"
import { login } from "../support/login.ts"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { type RedisServer, startRedis } from "../support/servers/redis.ts"
import { type Shop, configOf, openShop } from "../support/shop.ts"

/** A server that held a value and has left the config: nothing is called dead that was not asked. */

const rotatorPassword = randomBytes(18).toString("hex")
const node = (): Promise<RedisServer> =>
  startRedis({ acl: [`rotator on >${rotatorPassword} ~* &* +@all`] })
const servers = serversOfFile({
  postgres: startPostgres,
  former: startPostgres,
  redis: node,
  second: node,
})
const incident = "leak-12"
const contain = ["rotate-now", "production", "--contain", "--yes", "--incident", incident] as const

/** The former server has the login, too, as after a move of the data. */
async function openMoved(): Promise<{ readonly shop: Shop; readonly moved: object }> {
  const { postgres, former } = servers
  const shop = await openShop(former, { admin: true })
  await shop.adopt()
  expect((await shop.run("rotate-now", "production")).code).toBe(0)
  const admin = shop.project.read("admin.password").trim()
  await postgres.sql(
    `create role ${shop.role} login password '${shop.shown}'; ` +
      `create role ${shop.role}_admin login createrole password '${admin}'; ` +
      `grant ${shop.role} to ${shop.role}_admin with admin option; ` +
      `grant pg_read_all_stats, pg_signal_backend to ${shop.role}_admin`,
  )
  return { shop, moved: configOf({ ...shop, server: postgres, role: shop.role }) }
}

/** Two nodes that hold v2, of which the config names the first alone when `configure` was called. */
class Nodes implements AsyncDisposable {
  readonly shop: Shop
  readonly place = `127.0.0.1:${servers.second.port}`
  constructor(shop: Shop) {
    this.shop = shop
  }
  static async open(): Promise<Nodes> {
    const { postgres, redis, second } = servers
    const nodes = new Nodes(await openShop(postgres, { redis, secret: named([second]) }))
    const { shop } = nodes
    shop.project.write("rotator.password", `${rotatorPassword}\n`)
    const hash = createHash("sha256").update(shop.old).digest("hex")
    await second.command("ACL", "SETUSER", shop.role, "on", `#${hash}`, "~*", "+@all")
    await second.command("ACL", "SAVE")
    await shop.adopt()
    expect((await shop.run("rotate-now", "production")).code).toBe(0)
    return nodes
  }
  /** The config names the first, and these. */
  name(...also: readonly RedisServer[]): void {
    const options = { ...this.shop.options, secret: named(also) }
    this.shop.project.configure(configOf({ ...this.shop, options, old: this.shop.old }))
  }
  get shown(): string {
    return this.shop.project.variable("REDIS_PASSWORD")
  }
  /** "in", or the word of the refusal. */
  async login(server: RedisServer, password: string): Promise<string> {
    try {
      await server.commandAs({ user: this.shop.role, password }, "PING")
      return "in"
    } catch (error) {
      return /^\w+/.exec(error instanceof Error ? error.message : "")?.[0] ?? "unknown"
    }
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.shop[Symbol.asyncDispose]()
  }
}

function named(also: readonly RedisServer[]): Readonly<Record<string, unknown>> {
  return {
    admin: { user: "rotator", password: { file: "rotator.password" } },
    ...(also.length === 0 ? {} : { also: also.map(({ port }) => `redis://127.0.0.1:${port}`) }),
  }
}

function left(version: string, place: string): string {
  return `${version} was also accepted at ${place}, which the config did not name`
}

test("a containment without a Redis node that took the value is not at its end; with it again, it is", async () => {
  await using nodes = await Nodes.open()
  const { shop, place } = nodes
  const leaked = nodes.shown
  nodes.name()
  const first = await shop.run(...contain)
  expect(await nodes.login(servers.second, leaked)).toBe("in")
  expect(first.stdout).toContain(left("v2", place))
  expect(first.stdout).not.toContain("v2 is dead")
  expect(first.stdout).toContain(`mycelium reconcile production --gone ${place}`)
  expect(first.code).toBe(7)
  // Nothing is done twice, and it is still open.
  const again = await shop.run(...contain)
  expect(again.stdout).toContain("(server-left)")
  expect(again.code).toBe(7)
  expect((await shop.run("status")).stdout).toContain(left("v2", place))
  expect((await shop.run("check", "--quick")).stdout).toContain(left("v2", place))
  const report = await shop.run("report", incident)
  expect(report.stdout).toContain("Contained: NOT yet")
  expect(report.stdout).toContain(left("v2", place))

  nodes.name(servers.second)
  const end = await shop.run(...contain)
  expect(end.stdout).toContain("v2 is dead, its login is refused")
  expect(end.code).toBe(0)
  expect(await nodes.login(servers.second, leaked)).toBe("WRONGPASS")
  expect(await nodes.login(servers.second, nodes.shown)).toBe("in")
  expect((await shop.run("report", incident)).stdout).toContain("Contained: yes")
  expect((await shop.run("status")).stdout).toContain("none needs attention")
}, 90_000)

test("a failover that leaves a node behind, which held the value, does not end a containment", async () => {
  await using nodes = await Nodes.open()
  const { shop } = nodes
  const leaked = nodes.shown
  await servers.second.stop()
  expect((await shop.run(...contain)).stdout).toContain("NOT changed")
  await servers.second.start()
  const options = { ...shop.options, redis: servers.second, secret: named([]) }
  shop.project.configure(configOf({ ...shop, options }))
  const next = await shop.run(...contain)
  expect(next.stdout).toContain(left("v2", `127.0.0.1:${servers.redis.port}`))
  expect(next.code).toBe(7)
  expect(await nodes.login(servers.redis, leaked)).toBe("in")
}, 90_000)

test("a person says that the server is gone for good: that ends it, and the log keeps the word", async () => {
  await using nodes = await Nodes.open()
  const { shop, place } = nodes
  nodes.name()
  expect((await shop.run(...contain)).code).toBe(7)
  nodes.name(servers.second)
  const early = await shop.run("reconcile", "production", "--gone", place)
  expect(early.stderr).toContain("in the config")
  expect(early.code).toBe(2)
  nodes.name()
  const other = await shop.run("reconcile", "production", "--gone", "127.0.0.1:1")
  expect(other.code).toBe(2)
  expect((await shop.run("reconcile", "production", "--gone", place)).code).toBe(0)
  expect((await shop.run("status")).stdout).toContain("none needs attention")
  const report = await shop.run("report", incident)
  expect(report.stdout).toContain("Contained: yes")
  expect(report.stdout).toContain(`not tried at ${place}`)
  expect(report.stdout).toContain(`that ${place} is gone for good, or refuses the old values, is a`)
  const { stdout } = await shop.run("audit")
  expect(stdout).toContain("server-gone")
  expect(stdout).toContain(place)
  expect((await shop.run(...contain)).code).toBe(0)
}, 90_000)

test("a rotation is not held up: it says so once, and check until the word is given", async () => {
  await using nodes = await Nodes.open()
  const { shop, place } = nodes
  nodes.name()
  const dry = await shop.run("rotate-now", "production", "--dry-run")
  expect(dry.stdout).toContain(`v2 was also accepted at ${place}, which the config does not name`)
  const rotated = await shop.run("rotate-now", "production")
  expect(rotated.stdout).toContain(left("v2", place))
  expect(rotated.code).toBe(0)
  const next = await shop.run("rotate-now", "production")
  expect(next.stdout).not.toContain("server-left")
  expect((await shop.run("check", "--quick")).stdout).toContain(`server-left: production/redis: `)
  expect((await shop.run("reconcile", "production", "--gone", place)).code).toBe(0)
  expect((await shop.run("check", "--quick")).stdout).not.toContain("server-left")
}, 90_000)

test("a login is not called ended while a former server may accept it: delete waits for the word", async () => {
  await using nodes = await Nodes.open()
  const { shop, place } = nodes
  nodes.name()
  const erase = ["delete", "production/redis", "--yes"] as const
  const refused = await shop.run(...erase)
  expect(refused.stdout).toContain("(server-left)")
  expect(refused.code).toBe(1)
  expect(await nodes.login(servers.redis, nodes.shown)).toBe("in")
  expect((await shop.run("reconcile", "production", "--gone", place)).code).toBe(0)
  expect((await shop.run(...erase)).stdout).toContain("erased: its login is refused")
}, 90_000)

test("a PostgreSQL role that moved to another server: the former one is not forgotten", async () => {
  const { shop, moved } = await openMoved()
  await using _ = shop
  const { postgres, former } = servers
  const leaked = shop.shown
  const before = shop.project.read("mycelium.yaml")
  shop.project.configure(moved)
  const first = await shop.run(...contain)
  expect(first.stdout).toContain(left("v2", `127.0.0.1:${former.port}`))
  expect(first.stdout).not.toContain("v2 is dead")
  expect(first.code).toBe(7)
  expect(await login(former, shop.role, leaked)).toBe("in")
  expect(await login(postgres, shop.role, leaked)).toBe("28P01")

  // The same incident at the former server: what was made in it is no value that leaked.
  shop.project.write("mycelium.yaml", before)
  const back = await shop.run(...contain)
  expect(back.stdout).toContain("v2 is dead, its login is refused")
  expect(back.code).toBe(0)
  expect(await login(former, shop.role, leaked)).toBe("28P01")
  expect((await shop.run("report", incident)).stdout).toContain("Contained: yes")
}, 90_000)
