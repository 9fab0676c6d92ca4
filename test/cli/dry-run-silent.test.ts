import { expect, test } from "bun:test"
import { startPostgres } from "../support/servers/postgres.ts"
import { openShop } from "../support/shop.ts"

test("a dry run of a containment waits for a server that is silent for a moment, as the containment does", async () => {
  await using server = await startPostgres()
  await using shop = await openShop(server)
  await shop.adopt()
  server.signal("SIGSTOP", "all")
  // Longer than a first look waits: the time itself is what is tried.
  const wakes = setTimeout(() => server.signal("SIGCONT", "all"), 3000)
  const dry = await shop.run(
    "rotate-now",
    "production",
    "--contain",
    "--incident",
    "i-1",
    "--dry-run",
  )
  clearTimeout(wakes)
  server.signal("SIGCONT", "all")
  expect({ code: dry.code, out: dry.stdout }).toEqual({
    code: 0,
    out: expect.not.stringContaining("no answer"),
  })
}, 60_000)
