import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { Secret } from "../../../../src/core/secret.ts"
import { type Connection, connect } from "../../../../src/plugins/drivers/postgres/wire.ts"
import { type PostgresServer, startPostgres } from "../../../support/servers/postgres.ts"
import { authentication, host, listener, peer, soon } from "./harness.ts"

const password = "Only-the-holder-knows.7"
const hba = `
host all md5user 127.0.0.1/32 md5
host all clear 127.0.0.1/32 password
host all trusted 127.0.0.1/32 trust
host all rejected 127.0.0.1/32 reject
host all all 127.0.0.1/32 scram-sha-256
local all all peer`
let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres({ hba })
  for (const role of ["clear", "trusted", "rejected", "shop"])
    await server.sql(`create role ${role} login password '${password}'`)
  await server.sql(
    `set password_encryption = 'md5'; create role md5user login password '${password}'`,
  )
})
afterAll(() => server[Symbol.asyncDispose]())

function logIn(
  user: string,
  port = server.port,
  given = password,
  signal = soon(),
): Promise<Connection> {
  return connect(
    { address: { host: "127.0.0.1", port } },
    {
      user,
      password: new Secret("p", given),
      database: "postgres",
      applicationName: "test",
      random: host.random,
    },
    signal,
  )
}

describe("connect()", () => {
  test("logs in by SCRAM, says so, and names the server's process", async () => {
    const connection = await logIn("shop")
    expect(connection.asked).toBe("scram")
    expect(
      await connection.rows(["me", "process"], "select current_user, pg_backend_pid()"),
    ).toEqual([{ me: "shop", process: String(connection.serverProcess) }])
    await connection.close()
  })

  test("says when no password was asked for", async () => {
    const connection = await logIn("trusted", server.port, "wrong")
    expect(connection.asked).toBe("nothing")
    await connection.close()
  })

  test.each([
    ["shop", "wrong", "password-refused"],
    ["nobody", password, "password-refused"],
    ["rejected", password, "login-not-allowed"],
    ["clear", password, "cleartext-refused"],
    ["md5user", password, "md5-refused"],
  ])(
    "%s with %s: %s, and nothing that was sent or said holds the password",
    async (user, given, code) => {
      await using between = await listener(server.port)
      const error = await logIn(user, between.port, given).then(
        () => undefined,
        (fault: unknown) => fault,
      )
      expect(error).toMatchObject({ code, remedy: "ask-operator" })
      expect(between.received()).toContain(user)
      expect(between.received()).not.toContain(password)
      expect(
        JSON.stringify([String(error), error, (error as { hint?: string }).hint]),
      ).not.toContain(password)
    },
  )

  test("an md5 answer is not given: the server waits in vain", async () => {
    await using between = await listener(server.port)
    await expect(logIn("md5user", between.port)).rejects.toMatchObject({ code: "md5-refused" })
    expect(between.received()).not.toContain("md5\x33")
    expect(between.received().match(/p\0\0\0/)).toBeNull()
  })

  test("a missing password is said", async () => {
    await expect(
      connect(
        { address: { host: "127.0.0.1", port: server.port } },
        {
          user: "shop",
          database: "postgres",
          password: undefined,
          applicationName: "t",
          random: host.random,
        },
        soon(),
      ),
    ).rejects.toMatchObject({ code: "password-missing" })
  })

  test("a unix socket works, and one that is not there is unreachable", async () => {
    const login = {
      user: server.superuser,
      database: "postgres",
      password: new Secret("p", server.password),
      applicationName: "t",
      random: host.random,
    }
    const connection = await connect(
      { address: { socket: `${server.socketFolder}/.s.PGSQL.${server.port}` } },
      login,
      soon(),
    )
    expect(await connection.rows(["port"], "select inet_server_port()")).toEqual([{ port: null }])
    await connection.close()
    await expect(
      connect({ address: { socket: `${server.socketFolder}/.s.PGSQL.1` } }, login, soon()),
    ).rejects.toMatchObject({ code: "unreachable", remedy: "retry" })
  })

  test("a refused connection is unreachable, an unknown name too", async () => {
    await using gone = await peer(() => undefined)
    await gone[Symbol.asyncDispose]()
    await expect(logIn("shop", gone.port)).rejects.toMatchObject({
      code: "unreachable",
      remedy: "retry",
    })
    const nowhere = connect(
      { address: { host: "no-such-host.invalid", port: 1 } },
      { user: "x", database: "x", password: undefined, applicationName: "t", random: host.random },
      soon(),
    )
    await expect(nowhere).rejects.toMatchObject({ code: "unreachable" })
  })

  test.each([
    ["says nothing", ""],
    ["says half a message", "R\0\0\0"],
  ])("a server that %s meets the deadline", async (_, bytes) => {
    await using fake = await peer((socket) => void socket.write(bytes))
    const start = performance.now()
    await expect(logIn("shop", fake.port, password, soon(200))).rejects.toMatchObject({
      code: "timeout",
      remedy: "retry",
    })
    expect(performance.now() - start).toBeLessThan(2000)
  })

  test("a signal that has aborted opens nothing", async () => {
    await using fake = await peer(() => undefined)
    await expect(logIn("shop", fake.port, password, AbortSignal.abort())).rejects.toMatchObject({
      code: "timeout",
    })
    expect(fake.received()).toBe("")
  })

  test.each([
    ["another protocol", "HTTP/1.1 400 Bad Request\r\n\r\n", /answer-malformed|answer-too-large/],
    ["a huge message", "R\x7f\xff\xff\xff", /answer-too-large/],
    ["a negative length", "R\xff\xff\xff\xff", /answer-malformed/],
    ["an empty authentication", "R\0\0\0\x04", /answer-malformed/],
    ["a way of login that we do not know", "R\0\0\0\x08\0\0\0\x07", /authentication-unsupported/],
    [
      "SCRAM without SCRAM-SHA-256",
      authentication(10, "OTHER\0\0").toString("latin1"),
      /scram-not-offered/,
    ],
    [
      "an old server",
      "R\0\0\0\x08\0\0\0\0S\0\0\0\x1aserver_version\x009.6.24\0Z\0\0\0\x05I",
      /server-too-old/,
    ],
    ["an end", null, /unreachable/],
  ])("refuses %s", async (_, bytes, code) => {
    await using fake = await peer(
      (socket) =>
        void (bytes === null ? socket.destroy() : socket.write(Buffer.from(bytes, "latin1"))),
    )
    await expect(logIn("shop", fake.port)).rejects.toMatchObject({
      code: expect.stringMatching(code),
    })
  })

  test("a server that says welcome before it has proven itself is refused", async () => {
    await using fake = await peer((socket) => {
      socket.write(authentication(10, "SCRAM-SHA-256\0\0"))
      socket.once("data", () => void socket.write(authentication(0)))
    })
    await expect(logIn("shop", fake.port)).rejects.toMatchObject({ code: "server-unproven" })
  })

  test("a server that does not know the password is refused, whatever it claims", async () => {
    await using fake = await peer((socket) => {
      socket.write(authentication(10, "SCRAM-SHA-256\0\0"))
      socket.once("data", (chunk: Buffer) => {
        const nonce = /r=(.*)$/.exec(chunk.toString())?.[1]
        socket.write(authentication(11, `r=${nonce}x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`))
        socket.once(
          "data",
          () =>
            void socket.write(
              Buffer.concat([
                authentication(12, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="),
                authentication(0),
              ]),
            ),
        )
      })
    })
    await expect(logIn("shop", fake.port)).rejects.toMatchObject({ code: "server-unproven" })
  })
})

describe("rows()", () => {
  test("gives the rows of all statements, with nulls and non-ASCII, and ignores notices", async () => {
    const connection = await logIn("shop")
    const sql = "do $$ begin raise notice 'x'; end $$; select 'ü', null; select '', '2'"
    expect(await connection.rows(["a", "b"], sql)).toEqual([
      { a: "ü", b: null },
      { a: "", b: "2" },
    ])
    expect(await connection.rows([], "")).toEqual([])
    await connection.close()
  })

  test("an error has its SQLSTATE and no word of the server's; the connection goes on", async () => {
    const connection = await logIn("shop")
    const error = await connection.rows(["a"], `select 1/0 as "${password}"`).then(
      () => undefined,
      (fault: unknown) => fault,
    )
    expect(error).toMatchObject({ sqlstate: "22012", authenticated: true, code: "server-error" })
    const raised = await connection
      .rows([], `do $$ begin raise exception '${password}' using hint = '${password}'; end $$`)
      .then(
        () => undefined,
        (fault: unknown) => fault,
      )
    expect(JSON.stringify([String(raised), raised])).not.toContain(password)
    expect(await connection.rows(["a"], "select 1")).toEqual([{ a: "1" }])
    await connection.close()
  })

  test("a session that is ended at the server says so, then stays dead: nothing reconnects", async () => {
    const connection = await logIn("shop")
    const running = connection.rows(["a"], "select pg_sleep(30)").then(
      () => undefined,
      (fault: unknown) => fault,
    )
    await server.sql(`select pg_terminate_backend(${connection.serverProcess})`)
    expect(await running).toMatchObject({ sqlstate: "57P01", code: "session-ended" })
    await expect(connection.rows(["a"], "select 1")).rejects.toMatchObject({ code: "unreachable" })
  })

  test("a deadline ends the wait at once", async () => {
    const connection = await logIn("shop", server.port, password, soon(300))
    await expect(connection.rows(["a"], "select pg_sleep(30)")).rejects.toMatchObject({
      code: "timeout",
    })
  })

  test("more than was asked for is refused, not collected", async () => {
    const connection = await logIn("shop")
    await expect(connection.rows(["a"], "select repeat('x', 3000000)")).rejects.toMatchObject({
      code: "answer-too-large",
    })
  })

  test("rows without an end are refused, as fast as they are read", async () => {
    const row = Buffer.concat([
      Buffer.from("D\0\0\xc3\x5a\0\x01\0\0\xc3\x50", "latin1"),
      Buffer.alloc(50_000, "x"),
    ])
    await using fake = await peer((socket) => {
      socket.write(
        Buffer.from("R\0\0\0\x08\0\0\0\0S\0\0\0\x18server_version\x0016.1\0Z\0\0\0\x05I", "latin1"),
      )
      const more = (): void =>
        void (socket.destroyed || socket.write(row, () => setImmediate(more)))
      socket.once("data", more)
    })
    const connection = await logIn("shop", fake.port)
    await expect(connection.rows(["a"], "select 1")).rejects.toMatchObject({
      code: "answer-too-large",
    })
    expect(connection.usable).toBe(false)
  })

  test("a zero byte is never sent", async () => {
    const connection = await logIn("shop")
    await expect(connection.rows(["a"], "select 'a\0b'")).rejects.toMatchObject({
      code: "zero-byte",
    })
    await connection.close()
  })

  test("close() returns when the server has let go", async () => {
    const connection = await logIn("shop")
    await connection.close()
    expect(
      await server.sql(`select 1 from pg_stat_activity where pid = ${connection.serverProcess}`),
    ).toEqual([])
  })
})
