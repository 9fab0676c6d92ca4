import { expect, test } from "bun:test"
import { openShop } from "../support/shop.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { serversOfFile } from "../support/servers-of-file.ts"

/** A leak may come before the first adopt: the files show what there is to look for. */

const servers = serversOfFile({ server: startPostgres })

const contain = ["rotate-now", "--contain", "--yes", "--exposed-in"] as const

test("a secret that was never adopted is found by what its file shows, and contained", async () => {
  await using shop = await openShop(servers.server, { admin: true })
  expect((await shop.run("init")).code).toBe(0)
  const dry = await shop.run("rotate-now", "--dry-run", "--exposed-in", ".env")
  expect(dry.stderr).toContain(
    "exposed   production/postgres  what an output shows now stands in the text, as it is",
  )
  const ran = await shop.run(...contain, ".env")
  expect(ran.stderr).toContain("exposed   production/postgres")
  expect(`${ran.code} ${ran.stdout}`).toStartWith("0")
  expect(await shop.login(shop.old)).toBe("28P01")
  expect(await shop.login(shop.shown)).toBe("in")
})

test("of one that no file shows it is said that it was not compared, and it is no success", async () => {
  await using shop = await openShop(servers.server, { admin: true, empty: true })
  expect((await shop.run("init")).code).toBe(0)
  shop.project.write("leak.txt", "nothing of ours\n")
  for (const args of [["rotate-now", "--dry-run", "--exposed-in"], [...contain]]) {
    const ran = await shop.run(...args, "leak.txt")
    expect(ran.stderr).toContain(
      "NOT compared production/postgres: it was never adopted, and no output shows its value: use --all",
    )
    expect(ran.code).toBe(7)
  }
})

test("a value that a person put into the file since is looked for, too", async () => {
  await using shop = await openShop(servers.server, { admin: true })
  await shop.adopt()
  const byHand = `By-hand-${shop.role}.1`
  await shop.setPassword(byHand)
  shop.project.write(".env", shop.project.read(".env").replace(shop.old, byHand))
  shop.project.write("leak.txt", `password=${byHand}\n`)
  const ran = await shop.run(...contain, "leak.txt")
  expect(ran.stderr).toContain("what an output shows now stands in the text")
  expect(await shop.login(byHand)).toBe("28P01")
})
