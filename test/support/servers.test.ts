import { describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { mariadbPrograms } from "../../scripts/servers.ts"
import { makeAuthority } from "./certificates.ts"
import { answerTo } from "./login.ts"
import { startMariadb } from "./servers/mariadb.ts"
import { startRabbitmq } from "./servers/rabbitmq.ts"
import { type PostgresServer, startPostgres } from "./servers/postgres.ts"
import { startStandby } from "./servers/postgres-standby.ts"
import { startRedis } from "./servers/redis.ts"
import { until } from "./servers/until.ts"

describe.each(["system", "newer"] as const)("startPostgres() %s", (which) => {
  test("starts a server that answers, and leaves no process and no file", async () => {
    let pid = 0
    let folder = ""
    {
      await using server = await startPostgres({ which })
      pid = server.pid
      folder = server.folder
      const rows = await server.sql(
        "create role app login password 'a-b'; select current_user as me",
      )
      expect(rows).toEqual([{ me: "postgres" }])
      expect(await login(server, { username: "app", password: "a-b" })).toBe("in")
      expect(await login(server, { username: "app", password: "wrong" })).toBe("28P01")
    }
    expect(existsSync(folder)).toBe(false)
    expect(existsSync(`/proc/${pid}`)).toBe(false)
  })

  test("speaks TLS with the certificate it is given", async () => {
    const authority = makeAuthority()
    await using server = await startPostgres({ which, tls: authority.issue(["127.0.0.1"]) })
    const superuser = { username: server.superuser, password: server.password }
    expect(await login(server, { ...superuser, tls: { ca: authority.certificate } })).toBe("in")
    expect(
      await login(server, {
        ...superuser,
        tls: { ca: authority.certificate },
        hostname: "localhost",
      }),
    ).toBe("ERR_TLS_CERT_ALTNAME_INVALID")
    expect(
      await login(server, { ...superuser, tls: { ca: makeAuthority("another").certificate } }),
    ).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE")
  })

  test("has a standby that replays it", async () => {
    await using primary = await startPostgres({ which })
    await using standby = await startStandby(primary)
    await primary.sql("create role app")
    await until(
      "the role to arrive",
      async () => (await standby.sql("select 1 from pg_roles where rolname = 'app'"))[0],
    )
    expect(await standby.sql("select pg_is_in_recovery() as standby")).toEqual([{ standby: true }])
  })
})

describe("PostgresServer", () => {
  test("keeps its port and its data over a restart, by force too", async () => {
    await using server = await startPostgres({ config: { log_statement: "all" } })
    const { pid, port } = server
    await server.sql("create table kept (n int)")
    await server.restart()
    await server.restart("immediate")
    expect(await server.sql("select count(*)::int as n from kept")).toEqual([{ n: 0 }])
    expect(server.port).toBe(port)
    expect(server.pid).not.toBe(pid)
    expect(server.logs()).toContain("create table kept")
  })

  test("obeys new lines of pg_hba.conf when setHba() returns", async () => {
    await using server = await startPostgres()
    const nobody = { username: server.superuser, password: "wrong" }
    expect(await login(server, nobody)).toBe("28P01")
    await server.setHba("host all all 127.0.0.1/32 trust")
    expect(await login(server, nobody)).toBe("in")
    await server.setHba("host all all 127.0.0.1/32 reject")
    expect(await login(server, nobody)).toBe("28000")
    expect(await server.sql("select 1 as n")).toEqual([{ n: 1 }])
  })

  test("is silent while it is stopped by a signal, and can be left so", async () => {
    await using server = await startPostgres()
    server.signal("SIGSTOP", "all")
    expect(
      await login(server, {
        username: "postgres",
        password: server.password,
        connectionTimeout: 1,
      }),
    ).toBe("ERR_POSTGRES_CONNECTION_TIMEOUT")
  })

  test("says why it does not start", async () => {
    await using server = await startPostgres()
    await expect(startPostgres({ port: server.port })).rejects.toThrow("Address already in use")
    await expect(startPostgres({ config: { nonsense: "1" } })).rejects.toThrow(
      'unrecognized configuration parameter "nonsense"',
    )
  })
})

describe("startRedis()", () => {
  test("starts a server that answers, and leaves no process and no file", async () => {
    let pid = 0
    let folder = ""
    {
      await using server = await startRedis({ acl: ["shop on >a-b ~* +@all"] })
      pid = server.pid
      folder = server.folder
      expect(await server.commandAs({ user: "shop", password: "a-b" }, "PING")).toBe("PONG")
      await expect(server.commandAs({ user: "shop", password: "wrong" }, "PING")).rejects.toThrow(
        "WRONGPASS",
      )
      await expect(server.commandAs({ user: "default", password: "" }, "PING")).rejects.toThrow()
    }
    expect(existsSync(folder)).toBe(false)
    expect(existsSync(`/proc/${pid}`)).toBe(false)
  })

  test.each([
    ["aclfile", ["ACL", "SAVE"], "PONG"],
    ["config", ["CONFIG", "REWRITE"], "PONG"],
    ["lost", ["CONFIG", "REWRITE"], "WRONGPASS"],
  ] as const)(
    "with users in %s saves them by %p; after a restart a new one gets %p",
    async (users, [name, word], outcome) => {
      await using server = await startRedis({ users })
      await server.command("ACL", "SETUSER", "shop", "on", ">a-b", "+@all")
      const saved = await server.command(name, word).catch(String)
      expect(saved).toMatch(users === "lost" ? /without a config file/ : /^OK$/)
      await server.restart()
      expect(
        String(await server.commandAs({ user: "shop", password: "a-b" }, "PING").catch(String)),
      ).toContain(outcome)
    },
  )

  test("speaks TLS, and has replicas", async () => {
    const authority = makeAuthority()
    await using primary = await startRedis({ requirepass: "for-replicas" })
    await using replica = await startRedis({
      tls: authority.issue(["127.0.0.1"]),
      config: { replicaof: `127.0.0.1 ${primary.port}`, masterauth: "for-replicas" },
    })
    await primary.command("SET", "key", "value")
    await until("the key to arrive", async () => (await replica.command("GET", "key")) ?? undefined)
  })
})

const mariadb = await mariadbPrograms()

test.skipIf(!mariadb.found)(
  "startMariadb() starts a server that answers, keeps its data, and leaves no process and no file",
  async () => {
    let pid = 0
    let folder = ""
    {
      await using server = await startMariadb()
      await server.sql("create user app@'%' identified by 'a-b'")
      await server.restart()
      pid = server.pid
      folder = server.folder
      expect(
        await server.sql("select User as name from user where User in ('app', 'root')"),
      ).toEqual([{ name: "app" }])
    }
    expect(existsSync(folder)).toBe(false)
    expect(existsSync(`/proc/${pid}`)).toBe(false)
  },
)

type Login = {
  readonly username: string
  readonly password: string
  readonly hostname?: string
  readonly tls?: { readonly ca: string }
  readonly connectionTimeout?: number
}

/** Over TCP: "in", or the code of the refusal. */
async function login(server: PostgresServer, how: Login): Promise<string> {
  const client = new Bun.SQL({
    adapter: "postgres",
    hostname: server.host,
    port: server.port,
    database: "postgres",
    max: 1,
    ...how,
  })
  return answerTo(client)
}

test("startRabbitmq() starts one that answers, on loopback alone, and leaves no process and no file", async () => {
  let pids: readonly number[] = []
  let folder = ""
  {
    await using server = await startRabbitmq()
    ;({ pids, folder } = server)
    await server.user("app", "a-b")
    const asked = await server.api("GET", "whoami", undefined, { user: "app", password: "a-b" })
    expect(asked.body).toContain("Not management user")
    const ports = listening(pids)
    expect(ports.length).toBeGreaterThan(3)
    expect(ports.filter((one) => !/^(127\.0\.0\.1|\[::1\]):/.test(one))).toEqual([])
  }
  expect(existsSync(folder)).toBe(false)
  expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([])
}, 60_000)

/** Where these processes listen, by `ss`. */
function listening(pids: readonly number[]): readonly string[] {
  const { stdout } = Bun.spawnSync(["ss", "-ltnpH"])
  return stdout
    .toString()
    .split("\n")
    .filter((line) => pids.some((pid) => line.includes(`pid=${pid},`)))
    .map((line) => line.split(/\s+/)[3] ?? "")
}
