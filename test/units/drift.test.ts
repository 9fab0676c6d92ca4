import { afterAll, beforeAll, expect, test } from "bun:test"
import { listenForDatagrams } from "../support/datagrams.ts"
import { binary } from "../support/mycelium.ts"
import { stateOf, versionsOf } from "../support/sealed.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { type Shop, configOf, openShop } from "../support/shop.ts"
import { until } from "../support/until.ts"

/**
 * The service notices that another person has changed a password: within its `watch`, once, and
 * leaves it alone.
 */

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres({ config: { log_connections: "on" } })
})
afterAll(() => server[Symbol.asyncDispose]())

function watched(shop: Shop, watch: string, more: Readonly<Record<string, unknown>> = {}): void {
  shop.project.configure({ ...configOf(shop), watch, ...more })
}
function serve({ project }: Shop, env: Readonly<Record<string, string>>) {
  const child = Bun.spawn([binary, "run", "--json"], {
    cwd: project.folder,
    env: { ...project.environment, ...env },
    stdio: ["ignore", "pipe", "ignore"],
  })
  let said = ""
  const reading = (async () => {
    for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) said += part
  })()
  return {
    child,
    said: () => said,
    [Symbol.asyncDispose]: async () => (child.kill("SIGTERM"), await child.exited, await reading),
  }
}
const events = async (shop: Shop, name: string): Promise<number> =>
  (await shop.run("audit", "--json")).stdout
    .split("\n")
    .filter((line) => line.includes(`"event":"${name}"`)).length

test("run reports a password that was changed by hand, in its log, to systemd and in the audit log, once; rotates nothing; and reports when it is set back", async () => {
  await using shop = await openShop(server)
  const { project } = shop
  watched(shop, "10s")
  await shop.adopt()
  await using manager = await listenForDatagrams(project.root)
  await using service = serve(shop, { NOTIFY_SOCKET: manager.socket })
  await manager.heard("what comes next", (text) => text.startsWith("STATUS=next: "))
  await shop.setPassword("Somebody-elses.1")
  const changed = performance.now()
  await until("it notices", () => service.said().includes('"message":"drift"'), 13_000)
  expect(performance.now() - changed).toBeLessThan(12_000)
  expect(service.said()).toContain(
    '"environment":"production","secret":"postgres","version":"v1","code":"current-refused"',
  )
  await manager.heard("the drift", (text) =>
    text.includes("STATUS=refused by its service: production/postgres; "),
  )
  expect((await stateOf(project))?.secrets["postgres"]?.drift?.code).toBe("current-refused")

  // Another look later it still stands, and nothing is said again.
  const logins = (): number =>
    server
      .logs()
      .split("\n")
      .filter((line) => line.includes(`password authentication failed for user "${shop.role}"`))
      .length
  const before = logins()
  await until("the next look", () => logins() > before, 15_000)
  expect(service.said().match(/"message":"drift"/g)).toHaveLength(1)
  expect(await events(shop, "drift")).toBe(1)
  await shop.setPassword(shop.old)
  await until(
    "it notices that all is well",
    () => service.said().includes('"message":"drift is over"'),
    15_000,
  )
  expect(await events(shop, "drift-over")).toBe(1)
  expect((await versionsOf(project, "postgres")).map(({ id, stage }) => `${id} ${stage}`)).toEqual([
    "v1 current",
  ])
}, 90_000)

test("check --connect takes what was noted for past once the service accepts the value again, changes nothing, and says how the note ends", async () => {
  await using shop = await openShop(server)
  const { project } = shop
  watched(shop, "10s")
  await shop.adopt()
  await shop.setPassword("Somebody-elses.1")
  {
    await using service = serve(shop, {})
    await until("it notices", () => service.said().includes('"message":"drift"'), 15_000)
  }
  expect((await shop.run("check")).stdout).toContain(
    "FAIL  current-refused: production/postgres: the service refuses the current value since",
  )
  await shop.setPassword(shop.old)
  const ran = await shop.run("check", "--connect")
  expect(ran.stdout).toContain(
    "warn  current-refused: production/postgres: the service accepts the current value now",
  )
  expect({
    code: ran.code,
    noted: (await stateOf(project))?.secrets["postgres"]?.drift?.code,
  }).toEqual({ code: 0, noted: "current-refused" })
  expect((await shop.run("adopt", "production")).stdout).toContain("known already, v1")
  expect((await shop.run("check", "--connect", "--strict")).stdout).not.toContain("current-refused")
}, 60_000)

test("what the service writes follows the zone of the config that it read last", async () => {
  await using shop = await openShop(server)
  const { project } = shop
  project.configure({ ...configOf(shop), timezone: "Asia/Tokyo" })
  await shop.adopt()
  await using manager = await listenForDatagrams(project.root)
  await using service = serve(shop, { NOTIFY_SOCKET: manager.socket })
  await manager.heard("Tokyo's time", (text) => /^STATUS=next: production, .*GMT\+9|JST/.test(text))
  project.configure({ ...configOf(shop), timezone: "UTC" })
  service.child.kill("SIGHUP")
  await manager.heard("UTC", (text) => /^STATUS=next: production, .*UTC/.test(text))
}, 30_000)
