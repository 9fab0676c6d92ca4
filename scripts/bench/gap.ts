import { join } from "node:path"
import { rotateNow } from "../../src/app/rotate-now.ts"
import type { StateDocument } from "../../src/core/state.ts"
import { startPostgres } from "../../test/support/servers/postgres.ts"
import { withProgram } from "./a-program.ts"
import { type Row, median, ms, quantile } from "./measure.ts"
import { roleService } from "./services.ts"
import { readLogin, visits } from "./visit.ts"

/** Beyond the restart and the login that proves the new value (ms). */
const most = 5

/**
 * How long logins fail where a service holds one password: from the change (PostgreSQL has said yes
 * to it) to the first login of the restarted program, beside that program's restart alone (from its
 * signal to the same login) and one login, for no file shows a value that no login has proven
 * with.
 */
export async function gapRow(rotations: number, restartMs: number): Promise<Row> {
  await using server = await startPostgres({})
  await using running = await withProgram(await roleService(server, "program"), {
    sideBySide: 1,
    restartMs,
  })
  const changed: number[] = []
  const logins: number[] = []
  for (let count = 0; count < rotations; count++) {
    const { outcomes } = await rotateNow(running.app, "one", {
      why: "asked",
      skipGrace: false,
      waitMs: 0,
    })
    if (outcomes["it"]?.kind !== "rotated") throw new Error("not rotated")
    changed.push(await changedAt(running.folder))
    logins.push(await loginMs(server.port, join(running.folder, "program.env")))
  }
  const { restarts, passwords } = await running.stop()
  if (
    restarts.length !== rotations ||
    changed.length !== rotations ||
    passwords !== rotations + 1 ||
    restarts.some(({ ended }) => ended === 0)
  )
    throw new Error("not every rotation restarted the program and was seen by it")
  const gaps = restarts.map(({ ended }, index) => ended - (changed[index] ?? 0))
  const own = restarts.map(({ began, ended }) => ended - began)
  const beyond = gaps.map((gap, index) => gap - (own[index] ?? 0))
  const met = [0.5, 0.99].every((part) => quantile(beyond, part) <= quantile(logins, part) + most)
  return {
    row: "gap with one role (PostgreSQL)",
    ours: `${ms(median(gaps))}, p99 ${ms(quantile(gaps, 0.99))}`,
    limit:
      `${ms(median(own))}, p99 ${ms(quantile(own, 0.99))} the restart alone; ` +
      `${ms(median(logins))}, p99 ${ms(quantile(logins, 0.99))} a login`,
    ratio: median(gaps) / (median(own) + median(logins)),
    aim: `<= restart + login + ${most} ms`,
    met,
    note:
      `${rotations} rotations; beyond the restart ${ms(median(beyond))}, ` +
      `p99 ${ms(quantile(beyond, 0.99))}; restart made to take ${restartMs} ms`,
  }
}

/** By the server's clock, which is this machine's: right after the change. What the engine says of it comes later. */
async function changedAt(folder: string): Promise<number> {
  const path = join(folder, "store", "secrets", "bench", "one.json")
  const { secrets } = (await Bun.file(path).json()) as StateDocument
  const current = secrets["it"]?.versions.find(({ stage }) => stage.kind === "current")
  return Date.parse(current?.acceptedAt ?? "")
}

/** As the program does it. */
async function loginMs(port: number, envFile: string): Promise<number> {
  const began = performance.now()
  const answer = await visits.postgres(port, readLogin(envFile))
  if (answer !== "in") throw new Error(`a login was answered with ${answer}`)
  return performance.now() - began
}
