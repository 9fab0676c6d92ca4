import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { Driver } from "../../../../src/core/ports.ts"
import { Secret } from "../../../../src/core/secret.ts"
import { openSocket } from "../../../../src/plugins/drivers/postgres/socket.ts"
import type { TlsDemand } from "../../../../src/plugins/drivers/server/tls.ts"
import { connect } from "../../../../src/plugins/drivers/postgres/wire.ts"
import { makeAuthority } from "../../../support/certificates.ts"
import { type PostgresServer, startPostgres } from "../../../support/servers/postgres.ts"
import { type TemporaryFolder, temporaryFolder } from "../../../support/temp-folder.ts"
import { type Certificates, makeCertificates } from "./certificates.ts"
import { credential, host, open, peer, soon, text } from "./harness.ts"

const hba = "hostssl all all 127.0.0.1/32 scram-sha-256\nlocal all all scram-sha-256"
let server: PostgresServer
let plain: PostgresServer
let folder: TemporaryFolder
let made: Certificates
beforeAll(async () => {
  folder = await temporaryFolder()
  made = await makeCertificates(folder.path, "db.test")
  server = await startPostgres({ hba, tls: { certificate: made.certificate, key: made.key } })
  plain = await startPostgres()
  await server.sql("create role shop login password 'old-password'")
}, 30_000)
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await plain[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

const logIn = async (to: PostgresServer, tls: TlsDemand): Promise<void> => {
  const login = {
    user: to.superuser,
    database: "postgres",
    password: new Secret("p", to.password),
    applicationName: "test",
    random: host.random,
  }
  const connection = await connect(
    { address: { host: "127.0.0.1", port: to.port }, tls },
    login,
    soon(),
  )
  expect(
    await connection.rows(
      ["on", "version"],
      "select ssl, version from pg_stat_ssl where pid = pg_backend_pid()",
    ),
  ).toEqual([{ on: "t", version: "TLSv1.3" }])
  await connection.close()
  // The server has let go by then, through TLS, too.
  expect(
    await to.sql(`select 1 from pg_stat_activity where pid = ${connection.serverProcess}`),
  ).toEqual([])
}

describe("connect() through TLS", () => {
  test("takes the right authority with the right name, or the right IP address", async () => {
    await logIn(server, { ca: made.ca, name: "db.test" })
    await logIn(server, { ca: made.ca, name: "127.0.0.1" })
  })

  test.each([
    ["another authority", () => ({ ca: made.otherCa, name: "db.test" })],
    ["the system's authorities", () => ({ name: "db.test" })],
    ["another name", () => ({ ca: made.ca, name: "other.test" })],
    ["another IP address", () => ({ ca: made.ca, name: "127.0.0.2" })],
  ] as const)("refuses %s", async (_, tls) => {
    await expect(logIn(server, tls())).rejects.toMatchObject({
      code: "tls-unverified",
      remedy: "ask-operator",
    })
  })

  test("refuses an expired certificate", async () => {
    await using stale = await startPostgres({ tls: { certificate: made.expired, key: made.key } })
    await expect(logIn(stale, { ca: made.ca, name: "db.test" })).rejects.toMatchObject({
      code: "tls-unverified",
      message: expect.stringContaining("has expired"),
    })
  })

  test("verifies although NODE_TLS_REJECT_UNAUTHORIZED=0", async () => {
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0"
    try {
      await expect(logIn(server, { ca: made.otherCa, name: "db.test" })).rejects.toMatchObject({
        code: "tls-unverified",
      })
    } finally {
      delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"]
    }
  })

  test("refuses a server without TLS, and sends it nothing more", async () => {
    await expect(logIn(plain, { ca: made.ca, name: "127.0.0.1" })).rejects.toMatchObject({
      code: "tls-not-offered",
    })
  })

  test.each(["SR", "N", "E", "S\0\0\0\0"])(
    "refuses %j as the answer to SSLRequest: what is in clear is not taken for TLS (CVE-2021-23222)",
    async (answer) => {
      await using fake = await peer((socket) => void socket.write(answer))
      await expect(
        openSocket(
          { address: { host: "127.0.0.1", port: fake.port }, tls: { name: "x" } },
          { label: "x", signal: soon() },
        ),
      ).rejects.toMatchObject({ code: "tls-not-offered" })
      expect(fake.received()).toHaveLength(8)
    },
  )

  test("meets its deadline in the middle of the handshake", async () => {
    await using fake = await peer((socket) => void socket.write("S"))
    await expect(
      openSocket(
        { address: { host: "127.0.0.1", port: fake.port }, tls: { name: "x" } },
        { label: "x", signal: soon(200) },
      ),
    ).rejects.toMatchObject({ code: "timeout" })
  })
})

describe("the driver and TLS", () => {
  const old = credential("v1", { user: "shop", password: "old-password" })

  test("uses the CA file of the config, relative to the config, and the name given", async () => {
    await writeFile(join(server.folder, "db-ca.pem"), made.ca)
    const tls = { ca: "db-ca.pem", name: "db.test" }
    expect(await open(server, "shop", { tls }).probe(old, soon())).toBe("accepted")
    expect(
      await open(server, "shop", { tls: { ...tls, name: "other.test" } }).probe(old, soon()),
    ).toBe("unknown")
    expect(await open(server, "shop", { tls: { ca: "missing.pem" } }).probe(old, soon())).toBe(
      "unknown",
    )
    const findings = await open(server, "shop", { tls: { ca: "missing.pem" } }).preflight(
      { current: old, uncertain: [] },
      soon(),
    )
    expect(findings).toMatchObject([{ code: "tls-file-unreadable", severity: "error" }])
  })

  test("shows a certificate where pg_hba.conf asks for one, and says what is wrong without", async () => {
    const authority = makeAuthority()
    const other = makeAuthority("another authority")
    await using strict = await startPostgres({
      hba: "hostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-ca",
      tls: { ...authority.issue(["127.0.0.1"]), ca: authority.certificate },
    })
    await strict.sql("create role shop login password 'old-password'")
    const [own, foreign] = [authority.issue(["client"]), other.issue(["client"])]
    const files = {
      "ca.pem": authority.certificate,
      "own.pem": own.certificate,
      "own.key": own.key,
      "foreign.pem": foreign.certificate,
      "foreign.key": foreign.key,
    }
    for (const [name, text] of Object.entries(files))
      await writeFile(join(strict.folder, name), text)
    const to = (more: object): Driver => open(strict, "shop", { tls: { ca: "ca.pem", ...more } })
    const codes = async (more: object): Promise<readonly string[]> =>
      (await to(more).preflight({ current: old, uncertain: [] }, soon())).map(({ code }) => code)
    const ours = { certificate: "own.pem", key: "own.key" }
    expect(await codes(ours)).not.toContain("login-not-allowed")
    const next = { version: "v2", fields: to(ours).generate({ uncertain: [] }, text) }
    await to(ours).apply(next, { current: old, pending: next, uncertain: [] }, soon())
    expect([
      await to(ours).probe(next, soon()),
      await to(ours).probe(old, soon()),
      await to({}).probe(next, soon()),
    ]).toEqual(["accepted", "refused", "unknown"])
    expect(await codes({})).toEqual(["login-not-allowed"])
    expect(await codes({ certificate: "foreign.pem", key: "foreign.key" })).toEqual([
      "tls-client-certificate",
    ])
    expect(await codes({ certificate: "own.pem", key: "own.pem" })).toEqual(["tls-file-unreadable"])
  })

  test("off this machine, demands TLS without being told, unless insecure", async () => {
    // Not a loopback name to us, though the resolver knows better.
    const address = `postgresql://0.0.0.0:${plain.port}/postgres`
    await plain.sql("create role shop login password 'old-password'")
    const findings = await open(plain, "shop", { address }).preflight(
      { current: old, uncertain: [] },
      soon(),
    )
    expect(findings).toMatchObject([{ code: "tls-not-offered", severity: "error" }])
    expect(await open(plain, "shop", { address }).probe(old, soon())).toBe("unknown")
    expect(await open(plain, "shop", { address, insecure: true }).probe(old, soon())).toBe(
      "accepted",
    )
  })
})
