import { connect as connectTcp } from "node:net"
import type { Credential, Driver, Finding, Versions } from "../../../../src/core/ports.ts"
import { Secret } from "../../../../src/core/secret.ts"
import { type Connection, connect } from "../../../../src/plugins/drivers/mariadb/connection.ts"
import { mariadb } from "../../../../src/plugins/drivers/mariadb/index.ts"
import { nativeHash } from "../../../../src/plugins/drivers/mariadb/login.ts"
import { MariadbOptions } from "../../../../src/plugins/drivers/mariadb/options.ts"
import { makeTarget, type MariadbTarget } from "../../../../src/plugins/drivers/mariadb/target.ts"
import type { MariadbServer } from "../../../support/servers/mariadb.ts"
import { contextOf, passwordIn, type Peer, peer, soon, text, versions } from "../harness.ts"

export { drafted, passwordIn, peer, soon, versions } from "../harness.ts"

export const label = "production/mariadb"
/** What `lockName` makes of the label and the owner below. */
export const ourLock = "mycelium/production/mariadb#0a1b2c3d"

export const reachWith = contextOf(label)

type Written = Readonly<Record<string, unknown>>

function optionsOf(server: MariadbServer, written: Written): MariadbOptions {
  return MariadbOptions.parse({
    address: `mariadb://127.0.0.1:${server.port}`,
    admin: { user: server.admin.user, password: { env: "ADMIN" } },
    ...written,
  })
}

/** A driver on the server; the test's admin is its admin unless `written` says otherwise. */
export function open(
  server: MariadbServer,
  written: Written,
  adminPassword = server.admin.password,
): Driver {
  return mariadb.open(optionsOf(server, written), reachWith(adminPassword, server.folder))
}

/** What such a driver works with. */
export function placeOf(server: MariadbServer, user: string): MariadbTarget {
  return makeTarget(optionsOf(server, { user }), reachWith(server.admin.password, server.folder))
}

export type Account = {
  readonly user: string
  readonly password: string
  readonly old: Credential
  open(written?: Written): Driver
}
let made = 0

/** An account of the test's own that holds one password, v1. */
export async function account(server: MariadbServer): Promise<Account> {
  const user = `shop${++made}`
  const password = text("password").reveal()
  await server.sql(`create user '${user}'@'%' identified by '${password}'`)
  return {
    user,
    password,
    old: credential("v1", user, password),
    open: (written = {}) => open(server, { user, ...written }),
  }
}

export function credential(
  version: string,
  user: string,
  password: string,
  acceptedAt?: string,
): Credential {
  return {
    version,
    fields: { user, password: new Secret("password", password) },
    ...(acceptedAt === undefined ? {} : { acceptedAt }),
  }
}

/** The hashes that the server holds for a user, in their order. */
export async function hashesAt(server: MariadbServer, user: string): Promise<readonly string[]> {
  const rows = await server.sql(`show create user '${user}'@'%'`)
  return [...JSON.stringify(rows).matchAll(/\*[0-9A-F]{40}/g)].map(([hash]) => hash)
}

export function hashesOf(...candidates: readonly Credential[]): readonly string[] {
  return candidates.map((one) => nativeHash(passwordIn(one)))
}

/** A session that stays open until it is closed; `ask` fails once the server has ended it. */
export type Session = Disposable & {
  readonly id: string
  ask(sql: string): Promise<string>
  alive(): Promise<boolean>
}

export async function session(
  server: MariadbServer,
  user: string,
  password: string,
): Promise<Session> {
  const connection: Connection = await connect(
    { address: { host: "127.0.0.1", port: server.port } },
    { user, password: new Secret("password", password) },
    soon(60_000),
  )
  const ask = async (sql: string): Promise<string> => String((await connection.query(sql))[0]?.[0])
  return {
    id: await ask("select connection_id()"),
    ask,
    alive: () =>
      ask("select 1").then(
        (one) => one === "1",
        () => false,
      ),
    [Symbol.dispose]: () => connection.close(),
  }
}

export function adminSession(server: MariadbServer): Promise<Session> {
  return session(server, server.admin.user, server.admin.password)
}

/**
 * "error account-locked", of all that preflight finds but what is said about the test's admin,
 * which may do everything.
 */
export async function codes(driver: Driver, about: Versions): Promise<readonly string[]> {
  return (await driver.preflight(about, soon()))
    .filter(({ code }) => code !== "admin-too-powerful")
    .map(({ severity, code }) => `${severity} ${code}`)
}

/**
 * Between a client and the server: what the server answers to the first statement with these words
 * in it waits for `meanwhile`.
 */
export function relay(
  port: number,
  words: string,
  meanwhile: () => Promise<unknown>,
): Promise<Peer> {
  let asked = false
  let ran: Promise<unknown> | undefined
  return peer((client) => {
    const server = connectTcp({ host: "127.0.0.1", port })
    let order = Promise.resolve()
    client
      .on("close", () => server.destroy())
      .on("data", (chunk: Buffer) => {
        asked ||= chunk.includes(words)
        server.write(chunk)
      })
    server
      .on("error", () => undefined)
      .on("close", () => client.end())
      .on("data", (chunk: Buffer) => {
        order = order.then(async () => {
          if (asked) await (ran ??= meanwhile())
          client.write(chunk)
        })
      })
  })
}

/** What a preflight of the account finds. */
export function findings(
  shop: Account,
  about: Versions = versions(shop.old),
): Promise<readonly Finding[]> {
  return shop.open().preflight(about, soon())
}

/** A setting of the server, while `run` runs. */
export async function during(
  server: MariadbServer,
  name: string,
  value: string,
  run: () => Promise<void>,
): Promise<void> {
  const [row] = await server.sql(`select @@global.${name} as it`)
  await server.sql(`set global ${name} = ${value}`)
  try {
    await run()
  } finally {
    await server.sql(`set global ${name} = ${String(row?.["it"])}`)
  }
}
