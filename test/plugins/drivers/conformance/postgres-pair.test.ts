import { afterAll, beforeAll, describe } from "bun:test"
import { type PostgresServer, startPostgres } from "../../../support/servers/postgres.ts"
import { newPair, turn } from "../postgres/pair-harness.ts"
import { type Harness, outagesOf, type Service } from "./harness.ts"
import { driverSuite } from "./suite.ts"

/** Two roles in turn, with the admin that `init --postgres-pair` makes and with a superuser. */
describe.each(["system", "newer"] as const)("PostgreSQL, %s", (which) => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres({ which })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  driverSuite(
    "postgres, a pair",
    harness(() => server, "open"),
  )
  driverSuite(
    "postgres, a pair, its admin a superuser",
    harness(() => server, "openAsSuperuser"),
  )
})

function harness(server: () => PostgresServer, how: "open" | "openAsSuperuser"): Harness {
  return { start: () => startService(server(), how) }
}

async function startService(
  server: PostgresServer,
  how: "open" | "openAsSuperuser",
): Promise<Service> {
  const pair = await newPair(server)
  const current = await turn(pair[how](), "v1")
  return {
    current,
    open: () => pair[how](),
    stored: () =>
      server.sql(
        `select * from pg_authid where rolname in ('${pair.blue}', '${pair.green}') order by rolname`,
      ),
    faulty: () => [
      pair.open({}, "wrong"),
      pair.open({ address: `postgresql://127.0.0.1:${server.port}/none` }),
    ],
    ...outagesOf({
      start: () => server.start(),
      kill: () => server.stop("immediate"),
      signal: (name) => server.signal(name, "all"),
    }),
  }
}
