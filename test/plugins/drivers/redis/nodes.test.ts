import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Credential } from "../../../../src/core/ports.ts"
import { type RedisServer, startRedis } from "../../../support/servers/redis.ts"
import { until } from "../../../support/until.ts"
import {
  addressOf,
  codes,
  credential,
  drafted,
  hash,
  hashesAt,
  hashesOf,
  old,
  oldPassword,
  open,
  passwordIn,
  program,
  shopLine,
  soon,
  versions,
} from "./harness.ts"

const adminPassword = "Password-of-the-rotator.1"
const adminLine =
  `rotator on >${adminPassword} resetkeys -@all +acl|getuser +acl|setuser +acl|save +client|id ` +
  "+client|kill +client|list +client|setname +info +time +cluster|info"
const linkLine = "link on >link +psync +replconf +ping"

function openAll(main: RedisServer, ...also: readonly RedisServer[]): ReturnType<typeof open> {
  return open(
    main,
    { also: also.map(addressOf), admin: { user: "rotator", password: { env: "X" } } },
    adminPassword,
  )
}

async function replicaOf(
  primary: RedisServer,
  login: Record<string, string> = { masteruser: "link", masterauth: "link" },
): Promise<RedisServer> {
  const replica = await startRedis({
    acl: [shopLine, adminLine],
    config: { replicaof: `127.0.0.1 ${primary.port}`, ...login },
  })
  await until("the replica to be connected", async () =>
    String(await replica.command("INFO", "replication")).includes("master_link_status:up"),
  )
  return replica
}

describe("a primary and its replicas", () => {
  let primary: RedisServer
  let replica: RedisServer
  let second: RedisServer
  beforeAll(async () => {
    primary = await startRedis({ acl: [shopLine, adminLine, linkLine] })
    ;[replica, second] = await Promise.all([replicaOf(primary), replicaOf(primary)])
  }, 30_000)
  afterAll(() => Promise.all([primary, replica, second].map((one) => one[Symbol.asyncDispose]())))

  test("every replica that is connected must be named", async () => {
    expect(await codes(openAll(primary))).toEqual(["error redis-replica-unlisted"])
    const [one] = await openAll(primary, replica).preflight(versions(old), soon())
    expect(one?.message).toContain(
      `1 connected replica is not in the config (127.0.0.1:${second.port})`,
    )
    expect(await codes(openAll(primary, replica, second))).toEqual([])
    // After a failover the order may be another one.
    expect(await codes(openAll(second, primary, replica))).toEqual([])
  })

  test("a name for an address is no other replica", async () => {
    const also = [`redis://localhost:${replica.port}`, `redis://localhost:${second.port}`]
    const driver = open(
      primary,
      { also, admin: { user: "rotator", password: { env: "X" } } },
      adminPassword,
    )
    expect(await codes(driver)).toEqual([])
  })

  test("a replica alone is refused; so is one server under two names", async () => {
    expect(await codes(openAll(replica))).toEqual(["error redis-replica-alone"])
    const twice = open(
      primary,
      {
        also: [`redis://localhost:${primary.port}`],
        admin: { user: "rotator", password: { env: "X" } },
      },
      adminPassword,
    )
    expect(await codes(twice)).toContain("error redis-node-twice")
  })

  test("a rotation reaches every node, and outlives their restarts; the replicas stay connected", async () => {
    const driver = openAll(primary, replica, second)
    const next = drafted(driver, "v2")
    await driver.apply(next, versions(old, next), soon())
    for (const node of [primary, replica, second])
      expect(await hashesAt(node)).toEqual(hashesOf(old, next))
    expect(await driver.probe(next, soon())).toBe("accepted")
    await driver.revoke(old, next, { endSessions: false }, soon())
    await Promise.all([primary, replica, second].map((node) => node.restart("kill")))
    for (const node of [primary, replica, second])
      expect(await hashesAt(node)).toEqual(hashesOf(next))
    expect(await driver.probe(old, soon())).toBe("refused")
    await until("the replicas to be back", async () =>
      String(await primary.command("INFO", "replication")).includes("connected_slaves:2"),
    )
    await until(
      "nothing to be found",
      async () => (await codes(driver, versions(next))).length === 0,
    )
    await driver.apply(old, versions(next, old), soon())
    await driver.revoke(next, old, { endSessions: false }, soon())
  }, 30_000)

  test("replicas that log in as the user itself would be cut off: refused", async () => {
    await using own = await startRedis({ acl: [`${shopLine} +psync +replconf`, adminLine] })
    await using follower = await replicaOf(own, { masteruser: "shop", masterauth: oldPassword })
    expect(await codes(openAll(own, follower))).toEqual(["error redis-replication-user"])
  })

  test("sentinels, too", async () => {
    await using own = await startRedis({ acl: [`${shopLine} +client`, adminLine] })
    using sentinel = await program(own.port, "shop", oldPassword)
    await sentinel.ask("CLIENT", "SETNAME", "sentinel-0f3a2b1c-cmd")
    expect(await codes(openAll(own))).toEqual(["error redis-replication-user"])
  })
})

/** What `redis-cli --replica` does. */
async function becomeReplica(
  server: RedisServer,
  user: string,
  password: string,
): Promise<Awaited<ReturnType<typeof program>>> {
  const session = await program(server.port, user, password)
  session.say("SYNC")
  await until("it is a replica", async () =>
    String(await server.command("CLIENT", "LIST", "TYPE", "replica")).includes(`user=${user} `),
  )
  return session
}

test("an intruder who becomes a replica does not keep a containment away", async () => {
  await using server = await startRedis({
    acl: [`${shopLine} +sync`, adminLine, `${linkLine} +sync`],
  })
  const driver = openAll(server)
  using thief = await becomeReplica(server, "shop", oldPassword)
  using other = await becomeReplica(server, "link", "link")
  const found = await driver.preflight(versions(old), soon())
  expect(found.map(({ code, yields }) => `${code} ${yields === true}`)).toEqual([
    "redis-replica-unlisted true",
    "redis-replication-user true",
  ])
  expect(found[0]?.remedy).toContain("CLIENT KILL TYPE replica")
  const next = drafted(driver, "v2")
  const { acceptedAt = "" } = await driver.apply(next, versions(old, next), soon())
  const { sessionsEnded, notes } = (await driver.revokeOthers?.(
    { ...next, acceptedAt },
    soon(),
  )) ?? { sessionsEnded: 0, notes: [] }
  await until("the intruder's replica to end", () => thief.ended())
  expect(other.ended()).toBe(false)
  expect(sessionsEnded).toBe(1)
  expect(notes).toEqual([expect.stringContaining("1 replica that the config does not name is")])
  expect([await driver.probe(next, soon()), await driver.probe(old, soon())]).toEqual([
    "accepted",
    "refused",
  ])
})

test.each(["nopass", "off", "off nopass"])(
  "an intruder who sets %s does not keep a containment away",
  async (rules) => {
    await using server = await startRedis({ acl: [shopLine, adminLine] })
    await server.command("ACL", "SETUSER", "shop", ...rules.split(" "))
    const driver = openAll(server)
    const found = await driver.preflight(versions(old), soon())
    expect(found.map(({ yields, silences }) => [yields, silences])).toEqual([[true, true]])
    const next = drafted(driver, "v2")
    await expect(driver.apply(next, versions(old, next), soon())).rejects.toMatchObject({
      code: rules.includes("nopass") ? "password-not-asked" : "account-locked",
    })
    const { acceptedAt = "" } = await driver.apply(next, versions(old, next), soon(), {
      contain: true,
    })
    await driver.revokeOthers?.({ ...next, acceptedAt }, soon())
    const wrong = credential("control", "a-random-wrong-value-of-the-test")
    const answers = [next, old, wrong].map((one) => driver.probe(one, soon()))
    expect(await Promise.all(answers)).toEqual(["accepted", "refused", "refused"])
  },
)

test.each(["nopass", "off"])(
  "%s after the new value was proven does not keep the others alive",
  async (rule) => {
    await using server = await startRedis({ acl: [shopLine, adminLine] })
    const driver = openAll(server)
    const next = drafted(driver, "v2")
    const { acceptedAt = "" } = await driver.apply(next, versions(old, next), soon(), {
      contain: true,
    })
    await server.command("ACL", "SETUSER", "shop", rule)
    await driver.revokeOthers?.({ ...next, acceptedAt }, soon())
    const wrong = credential("control", "a-random-wrong-value-of-the-test")
    const answers = [next, old, wrong].map((one) => driver.probe(one, soon()))
    expect(await Promise.all(answers)).toEqual(["accepted", "refused", "refused"])
  },
)

describe("several nodes", () => {
  let one: RedisServer
  let other: RedisServer
  let next: Credential
  beforeAll(async () => {
    ;[one, other] = await Promise.all([
      startRedis({ acl: [shopLine, adminLine] }),
      startRedis({ acl: [shopLine, adminLine] }),
    ])
    next = drafted(openAll(one, other), "v2")
  })
  afterAll(() => Promise.all([one, other].map((node) => node[Symbol.asyncDispose]())))
  const drop = (node: RedisServer, candidate: Credential): Promise<unknown> =>
    node.command("ACL", "SETUSER", "shop", `!${hash(passwordIn(candidate))}`)
  const give = (node: RedisServer, candidate: Credential): Promise<unknown> =>
    node.command("ACL", "SETUSER", "shop", `#${hash(passwordIn(candidate))}`)

  test("what they do not agree on is unknown; settle() completes it, on disk too", async () => {
    const driver = openAll(one, other)
    await give(other, next)
    expect(await driver.probe(next, soon())).toBe("unknown")
    expect(await driver.settle([next, old], soon())).toBe(true)
    expect(await driver.probe(next, soon())).toBe("accepted")
    await one.restart("kill")
    expect(await driver.probe(next, soon())).toBe("accepted")
    await driver.revoke(next, old, { endSessions: false }, soon())
    expect(await driver.probe(next, soon())).toBe("refused")
  })

  test("preflight() names the node that lacks the present password", async () => {
    await give(other, next)
    await drop(other, old)
    const found = await openAll(one, other).preflight(versions(old), soon())
    // What that node holds instead may be all that its programs have: no hint says to take it away.
    expect(found.map(({ code }) => code)).toEqual(["redis-nodes-differ"])
    expect(found[0]?.message).toContain(`at 127.0.0.1:${other.port},`)
    await give(other, old)
    await drop(other, next)
  })

  test("while one is down nothing is settled and nothing is known; what can be revoked is, the rest is owed", async () => {
    const driver = openAll(one, other)
    await driver.apply(next, versions(old, next), soon())
    await other.stop("kill")
    await expect(driver.settle([next, old], soon())).rejects.toMatchObject({ code: "unreachable" })
    expect(await driver.probe(next, soon())).toBe("unknown")
    await expect(driver.revoke(next, old, { endSessions: true }, soon())).rejects.toMatchObject({
      code: "unreachable",
    })
    expect(await hashesAt(one)).toEqual(hashesOf(old))
    await other.start()
    await driver.revoke(next, old, { endSessions: true }, soon())
    expect(await hashesAt(other)).toEqual(hashesOf(old))
  })

  test("older sessions end at every node, younger ones nowhere", async () => {
    const driver = openAll(one, other)
    using first = await program(one.port, "shop", oldPassword)
    using second = await program(other.port, "shop", oldPassword)
    await until(
      "them to be old",
      async () =>
        /user=shop/.test(String(await other.command("CLIENT", "LIST"))) &&
        / age=([3-9]|\d\d) .*user=shop/.test(String(await other.command("CLIENT", "LIST"))),
    )
    const { acceptedAt } = await driver.apply(next, versions(old, next), soon())
    using young = await program(other.port, "shop", passwordIn(next))
    const live = { ...next, ...(acceptedAt === undefined ? {} : { acceptedAt }) }
    expect(await driver.revoke(old, live, { endSessions: true }, soon())).toEqual({
      sessionsEnded: 2,
    })
    await until("them to be ended", () => first.ended() && second.ended())
    expect(await young.ask("PING")).toBe("+PONG\r\n")
    expect(await driver.probe(credential("v9", "wrong"), soon())).toBe("refused")
  })
})

test("a cluster is refused until each of its nodes is named", async () => {
  const config = { "cluster-enabled": "yes", "cluster-announce-ip": "127.0.0.1" }
  await using one = await startRedis({ acl: [shopLine, adminLine], config })
  await using other = await startRedis({ acl: [shopLine, adminLine], config })
  await one.command("CLUSTER", "MEET", "127.0.0.1", String(other.port))
  await until("them to know each other", async () =>
    String(await other.command("CLUSTER", "INFO")).includes("cluster_known_nodes:2"),
  )
  const found = await openAll(one).preflight(versions(old), soon())
  expect(found).toMatchObject([
    {
      code: "redis-cluster",
      message: expect.stringContaining("a cluster of 2 nodes"),
      remedy: expect.stringContaining("also"),
    },
  ])
  expect(await codes(openAll(one, other))).toEqual([])
})
