import { afterAll, beforeAll, expect, test } from "bun:test"
import { type MariadbServer, startMariadb } from "../../../support/servers/mariadb.ts"
import { until } from "../../../support/until.ts"
import { host } from "../conformance/harness.ts"
import { account, drafted, soon, versions } from "./harness.ts"

/** An intruder has the password of an account, and sets another one again and again. */

let server: MariadbServer
beforeAll(async () => {
  server = await startMariadb()
})
afterAll(() => server[Symbol.asyncDispose]())

test("sessions that set another password again and again lose a containment", async () => {
  const shop = await account(server)
  const driver = shop.open()
  const over = new AbortController()
  const evil = "evil-password-of-theirs"
  let sets = 0
  const loop = async (): Promise<void> => {
    for (let password = shop.password; !over.signal.aborted; ) {
      const client = new Bun.SQL({
        adapter: "mariadb",
        hostname: "127.0.0.1",
        port: server.port,
        username: shop.user,
        password,
        max: 1,
        connectionTimeout: 1,
      })
      try {
        while (!over.signal.aborted) {
          await client.unsafe(`set password = password('${evil}')`)
          sets++
        }
      } catch {
        password = password === evil ? shop.password : evil
        await Bun.sleep(1)
      } finally {
        await client.close({ timeout: 0 }).catch(() => undefined)
      }
    }
  }
  const loops = Array.from({ length: 4 }, loop)
  await until("they set it", () => sets > 20)
  const next = drafted(driver, "v2")
  const apply = (again: number): Promise<unknown> =>
    driver.apply(next, versions(shop.old, next), soon(15_000), { contain: true, again })
  await apply(0)
  await driver.revokeOthers?.(next, soon(15_000)).catch(() => undefined)
  // Who was in when it was set may have set another since: the engine sets it again.
  if ((await driver.probe(next, soon())) !== "accepted") await apply(2)
  await host.pause(300)
  expect(await driver.probe(next, soon())).toBe("accepted")
  over.abort()
  await Promise.all(loops)
  expect(await driver.probe(next, soon())).toBe("accepted")
}, 60_000)
