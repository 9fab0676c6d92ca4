import { afterAll, beforeAll, describe } from "bun:test"
import { Secret } from "../../../../src/core/secret.ts"
import { type PostgresServer, startPostgres } from "../../../support/servers/postgres.ts"
import { type Harness, type Service, text } from "../conformance/harness.ts"
import { driverSuite } from "../conformance/suite.ts"
import { newPair } from "./pair-harness.ts"

/** What every driver must do, for a pair whose admin is no superuser. */
describe.each(["system", "newer"] as const)("PostgreSQL, %s", (which) => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres({ which })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  driverSuite("postgres, a pair", { start: () => startService(server) } satisfies Harness)
})

async function startService(server: PostgresServer): Promise<Service> {
  const pair = await newPair(server)
  await server.sql(`grant pg_signal_backend to ${pair.rotator}`)
  const password = text("password").reveal()
  await server.sql(`alter role ${pair.blue} password '${password}'`)
  let state: "runs" | "hangs" | "stopped" = "runs"
  const resume = async (): Promise<void> => {
    if (state === "hangs") server.signal("SIGCONT", "all")
    if (state === "stopped") await server.start()
    state = "runs"
  }
  return {
    current: { version: "v1", fields: { user: pair.blue, password: new Secret("password", password) } },
    open: () => pair.open(),
    stored: async () => server.sql(`select * from pg_authid where rolname like '${pair.name}%' order by rolname`),
    stop: async () => {
      await server.stop("immediate")
      state = "stopped"
    },
    hang: async () => {
      server.signal("SIGSTOP", "all")
      state = "hangs"
    },
    resume,
    faulty: () => [pair.open({}, "wrong"), pair.open({ address: `postgresql://127.0.0.1:${server.port}/none` })],
    [Symbol.asyncDispose]: resume,
  }
}
