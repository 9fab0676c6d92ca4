import { expect, test } from "bun:test"
import { RunningService } from "../support/service.ts"
import { freePort } from "../support/servers/free-port.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startPrometheus, whyNoPrometheus } from "../support/servers/prometheus.ts"
import { serversOfFile } from "../support/servers-of-file.ts"
import { configOf, openShop } from "../support/shop.ts"
import { until } from "../support/until.ts"

/** A real Prometheus asks a real service, by the rules of config/alerts.yml. */

const missing = await whyNoPrometheus()
const reason = missing === undefined ? "" : ` (skipped: no Prometheus here: ${missing})`
const servers = serversOfFile({ postgres: startPostgres })
const minute = 60_000

test.skipIf(missing !== undefined)(
  `an alert fires within a minute after a password was changed by hand, and ends; another once the service is gone${reason}`,
  async () => {
    await using shop = await openShop(servers.postgres, { admin: true })
    await shop.adopt()
    const held = await shop.service.held()
    const address = `127.0.0.1:${await freePort()}`
    shop.project.configure({ ...configOf(shop), listen: address, watch: "10s" })
    await using service = new RunningService(shop.project)
    await service.says("listens")
    await using prometheus = await startPrometheus(address)
    const state = async (name: string): Promise<string> => {
      const found = (await prometheus.alerts()).find(({ labels }) => labels["alertname"] === name)
      return found?.state ?? "silent"
    }
    const troubles = () => prometheus.query("mycelium_troubles", "kind")
    const owed = () => prometheus.query("mycelium_revokes_owed", "environment")
    await until("it was asked", async () => (await owed())["production"] === 0, minute)
    expect(await state("MyceliumDrift")).toBe("silent")
    await shop.setPassword("Set-by-hand-at-night.1")
    await until("the alert", async () => (await state("MyceliumDrift")) === "firing", minute)
    await shop.service.hold(held)
    await until("its end", async () => (await state("MyceliumDrift")) === "silent", minute)
    expect(await troubles()).toEqual({})
    service.child.kill("SIGTERM")
    await service.child.exited
    // It fires a minute later: a restart is no alarm.
    await until("no answer", async () => (await state("MyceliumDown")) !== "silent", minute)
  },
  4 * minute,
)
