import { Database } from "bun:sqlite"
import { afterAll, beforeAll, expect, test } from "bun:test"
import { type Ran, json } from "../support/mycelium.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { stateOf } from "../support/sealed.ts"
import { openShop } from "../support/shop.ts"

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

type Document = {
  readonly findings: readonly {
    readonly code: string
    readonly severity: string
    readonly message: string
    readonly remedy?: string
  }[]
}
const codesOf = (ran: Ran): readonly string[] =>
  json<Document>(ran)
    .findings.filter(({ severity }) => severity !== "info")
    .map(({ code }) => code)

test("check --connect logs in with the current value and a wrong one, and is content where a rotation would succeed", async () => {
  await using shop = await openShop(server, { admin: true })
  await shop.adopt()
  const ran = await shop.run("check", "--connect", "--strict")
  expect(ran.stdout).toContain(
    "ok    logins: the service of 1 secret accepts the current value and refuses a wrong one",
  )
  expect(ran.code).toBe(0)
  expect(ran.stdout + ran.stderr).not.toContain(shop.old)
  const events = (await shop.run("audit", "--json")).stdout
    .trim()
    .split("\n")
    .map(
      (line) =>
        JSON.parse(line) as {
          readonly event: string
          readonly secrets?: readonly string[]
          readonly via: string
        },
    )
  expect(events.at(-1)).toMatchObject({
    event: "check",
    secrets: ["postgres"],
    via: expect.stringContaining("mycelium check"),
  })
  const lines = events.length
  expect((await shop.run("check")).code).toBe(0)
  expect((await shop.run("audit", "--json")).stdout.trim().split("\n")).toHaveLength(lines)
})

test("check --connect opens nothing where the log cannot tell it, and leaves an open journal as it is", async () => {
  await using shop = await openShop(server, { admin: true })
  const { project } = shop
  await shop.adopt()
  const lock = holdLock(`${project.stateFolder}/production.lock`)
  const held = await shop.run("check", "--connect", "--json")
  expect(codesOf(held)).toEqual(["locked"])
  expect(held.code).toBe(4)
  lock()
  project.script(
    "restart-api",
    'if [ ! -e once ]; then touch once; kill -9 "$PPID"; fi',
    "cp .env api.loaded",
  )
  expect((await shop.run("rotate-now", "production")).signal).toBe("SIGKILL")
  const before = await stateOf(project)
  await shop.run("check", "--connect")
  const { serial: _, audit: __, mac: ___, ...after } = (await stateOf(project)) ?? {}
  expect(before).toMatchObject(after)
}, 30_000)

/** As another process of Mycelium would; the answer lets go. */
function holdLock(path: string): () => void {
  const database = new Database(path)
  database.run("begin exclusive")
  return () => database.close()
}

test("check --connect finds a password that was changed at the server; check alone cannot", async () => {
  await using shop = await openShop(server)
  await shop.adopt()
  await shop.setPassword("Changed-by-hand.123")
  expect((await shop.run("check")).code).toBe(0)
  const ran = await shop.run("check", "--connect", "--json")
  expect(codesOf(ran)).toEqual(["current-refused"])
  expect(ran.code).toBe(4)
  const message =
    "the server refuses the current value of production/postgres, " +
    `the password of role ${shop.role}`
  const way =
    "put the value that works into the output, then mycelium adopt production, " +
    "or set the current value back at the service"
  expect(json<Document>(ran).findings.find(({ code }) => code === "current-refused")).toMatchObject(
    { message: expect.stringContaining(message), remedy: expect.stringContaining(way) },
  )
  const rotated = await shop.run("rotate-now", "production")
  expect(rotated.stdout).toContain(`${message} (SQLSTATE 28P01) (current-refused)`)
  expect(rotated.stdout).toContain(way)
})

test("check --connect shows a right that is missing with the SQL that gives it", async () => {
  await using shop = await openShop(server, { admin: true })
  await shop.adopt()
  await server.sql(`alter role ${shop.role}_admin nocreaterole`)
  const ran = await shop.run("check", "--connect")
  expect(ran.stdout).toContain("FAIL  not-permitted: production/postgres: ")
  expect(ran.stdout).toContain(`ALTER ROLE "${shop.role}_admin" CREATEROLE`)
  expect(ran.code).toBe(4)
})
