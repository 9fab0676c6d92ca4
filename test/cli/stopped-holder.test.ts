import { afterAll, beforeAll, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { openShop } from "../support/shop.ts"
import { holdRestarts, start } from "../support/two-at-once.ts"
import { until } from "../support/until.ts"

/**
 * A run that holds an environment's lock and is stopped (SIGSTOP, a hung disk) lets go by itself
 * never: a run that waits for it says how it ends.
 */

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

test("a containment says after half a minute that the holder is stopped and how to end it, and carries on once that is done", async () => {
  await using shop = await openShop(server, { endSessions: true })
  const { project } = shop
  await shop.adopt()
  holdRestarts(project)
  await using first = start(project, ["rotate-now", "production"])
  await until("the hook to begin", () => project.has("begun"))
  const { pid } = first.child
  first.child.kill("SIGSTOP")
  await until("it is stopped", () => readFileSync(`/proc/${pid}/stat`, "utf8").includes(") T "))
  // One that does not wait is told at once.
  const refused = await shop.run("rotate-now", "production")
  expect({
    code: refused.code,
    hint: refused.stderr.split("\n").find((line) => line.includes("hint:")),
  }).toEqual({
    code: 6,
    hint: expect.stringContaining(
      `Process ${pid} is stopped (SIGSTOP): kill -CONT ${pid} lets it go on`,
    ),
  })
  await using second = start(project, [
    "rotate-now",
    "production",
    "--contain",
    "--incident",
    "leak-7",
  ])
  const hint =
    `has not let go. Process ${pid} is stopped (SIGSTOP): kill -CONT ${pid} lets it go on, ` +
    `and kill -KILL ${pid} ends it. Nothing is lost by it`
  await until("it says how to end it", () => second.said().includes(hint), 45_000)
  expect(second.said()).toContain(`process ${pid}, since `)
  // As it says.
  first.child.kill("SIGKILL")
  project.write("go", "")
  expect(await second.child.exited).toBe(0)
  expect([await shop.login(shop.old), await shop.login(shop.shown)]).toEqual(["28P01", "in"])
}, 90_000)

test("a holder that wakes does not let go for one who has given up, or was killed, meanwhile", async () => {
  for (const ends of ["SIGTERM", "SIGKILL"] as const) {
    await using shop = await openShop(server, { endSessions: true })
    const { project } = shop
    await shop.adopt()
    holdRestarts(project)
    await using first = start(project, ["rotate-now", "production"])
    await until("the hook to begin", () => project.has("begun"))
    first.child.kill("SIGSTOP")
    await until("it is stopped", () =>
      readFileSync(`/proc/${first.child.pid}/stat`, "utf8").includes(") T "),
    )
    await using second = start(project, [
      "rotate-now",
      "production",
      "--contain",
      "--incident",
      "leak-8",
    ])
    await until("it waits", () => second.said().includes("is asked to let go"))
    second.child.kill(ends)
    await second.child.exited
    // Its timer is long overdue: it looks before it sees that its hook has ended.
    first.child.kill("SIGCONT")
    project.write("go", "")
    expect({ ends, code: await first.child.exited, message: first.said() }).toEqual({
      ends,
      code: 0,
      message: expect.not.stringContaining("another run has asked"),
    })
    expect([await shop.login(shop.old), await shop.login(shop.shown)]).toEqual(["28P01", "in"])
  }
}, 90_000)
