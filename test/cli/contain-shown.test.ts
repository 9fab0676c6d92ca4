import { describe, expect, test } from "bun:test"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { type Shop, openShop } from "../support/shop.ts"

/** A file that was put back after a containment: it shows what leaked to whatever starts next. */

const servers = serversOfFile({ postgres: startPostgres })
const contain = ["rotate-now", "production", "--contain", "--yes", "--incident", "leak-7"]

/** Contained; then these files are as they were before. */
async function putBack(...files: readonly string[]): Promise<Shop> {
  const shop = await openShop(servers.postgres, { admin: true, two: true })
  await shop.adopt()
  const before = files.map((name) => [name, shop.project.read(name)] as const)
  expect((await shop.run(...contain)).code).toBe(0)
  for (const [name, text] of before) shop.project.write(name, text)
  return shop
}

describe("a file that shows a leaked value again", () => {
  test("of a service: the command and the report name it, with the way on", async () => {
    await using shop = await putBack(".env")
    const dry = await shop.run(...contain, "--dry-run")
    expect([dry.code, dry.stdout]).toEqual([5, expect.stringContaining("(output-stale)")])
    const ran = await shop.run(...contain)
    expect((await shop.run("status")).stdout).toContain("output-stale")
    const said =
      `production/postgres: ${shop.project.path(".env")} shows v1, which leaked: ` +
      "a program that starts now reads it"
    expect(ran.stdout).toContain(said)
    expect(ran.stdout).toContain(
      "hint: mycelium render production writes the current value; then restart",
    )
    expect(ran.stdout).toContain(
      "; a file that programs read shows a value that leaked, and is named above",
    )
    const report = await shop.run("report", "leak-7")
    expect(report.stdout).toContain(said)
    expect([ran.code, report.code]).toEqual([5, 0])
    expect((await shop.run("render", "production")).code).toBe(0)
    expect((await shop.run(...contain)).code).toBe(0)
    expect((await shop.run("report", "leak-7")).stdout).not.toContain("which leaked")
  }, 60_000)

  test("of what no service asks for: it is not contained", async () => {
    await using shop = await putBack("session.env")
    const dry = await shop.run(...contain, "--dry-run")
    expect([dry.code, dry.stdout]).toEqual([7, expect.stringContaining("(output-stale)")])
    const once = await shop.run("run", "--once")
    expect([once.code, once.stderr]).toEqual([7, expect.stringContaining("output-stale")])
    for (const args of [["status"], ["plan"], ["check", "--quick"]])
      expect((await shop.run(...args)).stdout).toContain("output-stale")
    const ran = await shop.run(...contain)
    expect(ran.stdout).toMatch(
      /production\/session_key: NOT contained: .*session\.env shows v1, which leaked: .* \(output-stale\)/,
    )
    const report = await shop.run("report", "leak-7")
    expect(report.stdout).toContain("Contained: NOT yet. 1 of 2 secrets")
    expect([ran.code, report.code]).toEqual([7, 7])
    expect((await shop.run("render", "production")).code).toBe(0)
    expect([(await shop.run(...contain)).code, (await shop.run("report", "leak-7")).code]).toEqual([
      0, 0,
    ])
  }, 60_000)
})
