import { randomBytes } from "node:crypto"
import { postgresPair } from "../../../../src/cli/commands/postgres-pair.ts"
import type { Credential, Driver, Finding, Versions } from "../../../../src/core/ports.ts"
import { PostgresOptions } from "../../../../src/plugins/drivers/postgres/options.ts"
import { postgres } from "../../../../src/plugins/drivers/postgres/index.ts"
import type { PostgresServer } from "../../../support/servers/postgres.ts"
import { reachWith, soon, text, versions } from "./harness.ts"

/** A pair as `mycelium init --postgres-pair` makes it, with the admin that this gives it: no superuser. */
export class Pair {
  readonly name: string
  readonly server: PostgresServer
  readonly adminPassword: string
  constructor(server: PostgresServer, name: string, adminPassword: string) {
    this.server = server
    this.name = name
    this.adminPassword = adminPassword
  }
  get blue(): string {
    return `${this.name}_blue`
  }
  get green(): string {
    return `${this.name}_green`
  }
  get owner(): string {
    return `${this.name}_owner`
  }
  get rotator(): string {
    return `${this.name}_rotator`
  }

  /** As the config says it. */
  options(written: Record<string, unknown> = {}): Record<string, unknown> {
    const { server, rotator } = this
    const admin = { user: rotator, password: { env: "ADMIN" }, database: "postgres" }
    return {
      address: `postgresql://127.0.0.1:${server.port}/postgres`,
      roles: [this.blue, this.green],
      owner: this.owner,
      admin,
      ...written,
    }
  }
  open(written: Record<string, unknown> = {}, adminPassword = this.adminPassword): Driver {
    return postgres.open(
      PostgresOptions.parse(this.options(written)),
      reachWith(adminPassword, this.server.folder),
    )
  }
  /** With the superuser as its admin, who may read what is stored. */
  openAsSuperuser(written: Record<string, unknown> = {}): Driver {
    const admin = { user: this.server.superuser, password: { env: "ADMIN" }, database: "postgres" }
    return this.open({ admin, ...written }, this.server.password)
  }
  async stored(role: string): Promise<unknown> {
    return (
      await this.server.sql(`select rolpassword as it from pg_authid where rolname = '${role}'`)
    )[0]?.["it"]
  }
}

export async function newPair(
  server: PostgresServer,
  name = `p${randomBytes(4).toString("hex")}`,
): Promise<Pair> {
  await server.sql(postgresPair(name).sql)
  const adminPassword = `Admin-${randomBytes(9).toString("hex")}.1`
  await server.sql(
    `alter role ${name}_rotator password '${adminPassword}'; grant create on schema public to ${name}_owner`,
  )
  return new Pair(server, name, adminPassword)
}

/** A draft, applied: what is current afterwards. */
export async function turn(driver: Driver, id: string, current?: Credential): Promise<Credential> {
  const next = { version: id, fields: driver.generate(versions(current), text) }
  return { ...next, ...(await driver.apply(next, versions(current, next), soon())) }
}

/** By code; an error's must be there, an info's need not. */
export async function errorsOf(
  driver: Driver,
  known: Versions = versions(),
): Promise<readonly Finding[]> {
  return (await driver.preflight(known, soon(15_000))).filter(
    ({ severity }) => severity === "error",
  )
}
