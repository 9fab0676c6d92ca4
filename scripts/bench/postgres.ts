import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { rotateNow } from "../../src/app/rotate-now.ts"
import { adopt } from "../../src/app/adopt.ts"
import { randomText } from "../../src/base/random-text.ts"
import type { Credential, Versions } from "../../src/core/ports.ts"
import { Secret } from "../../src/core/secret.ts"
import { postgres } from "../../src/plugins/drivers/postgres/index.ts"
import { startPostgres } from "../../test/support/servers/postgres.ts"
import { bareRotation } from "./bare.ts"
import { type Row, inTurn, median, ms } from "./measure.ts"
import { openProject } from "./project.ts"

/** One role that changes its own password, beside the same preflight, statements, logins and durable writes, bare. */
export async function postgresRow(rounds: number, each: number): Promise<Row> {
  await using server = await startPostgres({})
  const random = (count: number): Uint8Array => crypto.getRandomValues(new Uint8Array(count))
  const password = randomText(32, random)
  for (const role of ["ours", "bare"]) await server.sql(`CREATE ROLE ${role} LOGIN PASSWORD '${password}'`)
  const address = `postgresql://${server.host}:${server.port}/postgres`
  await using project = await openProject(() => `environments:\n  one:\n    rotate_every: never\n    secrets: { pg: { driver: postgres, address: "${address}", role: ours } }\n    outputs: [{ dotenv: one.env, merge: true, variables: { PW: "{{ pg.password }}" } }]\n`)
  const { app, folder } = project
  await writeFile(join(folder, "one.env"), `PW=${password}\n`, { mode: 0o600 })
  if ((await adopt(app, "one"))["pg"]?.is !== "adopted") throw new Error("not adopted")
  const ours = async (): Promise<void> => {
    for (let count = 0; count < each; count++) {
      const { outcomes, revoked } = await rotateNow(app, "one", { why: "asked", skipGrace: false, waitMs: 0 })
      if (outcomes["pg"]?.is !== "rotated" || revoked[0]?.death.is !== "dead") throw new Error(`not rotated and proven: ${JSON.stringify({ outcomes, revoked })}`)
    }
  }
  const driver = postgres.open(postgres.options.parse({ address, role: "bare" }), { host: app.host, label: "bench/bare", owner: "bench", folder, credential: () => Promise.reject(new Error("none")) })
  const credential = (version: string, value: string): Credential => ({ version, fields: { user: "bare", password: new Secret("bench", value), salt: new Secret("bench", randomText(32, random)) } })
  let current = credential("v0", password)
  let serial = 0
  const { signal } = new AbortController()
  const limit = async (): Promise<void> => {
    for (let count = 0; count < each; count++) {
      const pending = credential(`v${++serial}`, randomText(32, random))
      const versions: Versions = { current, pending, doubtful: [] }
      await driver.preflight(versions, signal)
      const answers = [await driver.probe(credential("control", randomText(32, random)), signal), await driver.probe(current, signal)]
      await driver.apply(pending, versions, signal)
      answers.push(await driver.probe(pending, signal), await driver.probe(current, signal), await driver.probe(pending, signal))
      if (answers.join() !== "refused,accepted,accepted,refused,accepted") throw new Error(`bare acts went wrong: ${answers.join()}`)
      await bareRotation(app, folder, { revokes: true })
      current = pending
    }
  }
  await ours()
  await limit()
  const times = await inTurn(rounds, ours, limit)
  const [a, b] = [median(times.ours) / each, median(times.limit) / each]
  return { row: "postgres, one role, no admin", ours: `${(1000 / a).toFixed(1)}/s (${ms(a)})`, limit: `${(1000 / b).toFixed(1)}/s (same logins, statements, writes)`, ratio: b / a, aim: ">= 0.85", met: b / a >= 0.85, note: `median of ${rounds} × ${each}` }
}
