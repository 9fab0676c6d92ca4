import { describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { json } from "../support/mycelium.ts"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { openShop } from "../support/shop.ts"
import type { Report } from "../support/containment.ts"

/** What `rotate-now --contain` is given to choose its secrets by: a leaked text, or a tag. */

const servers = serversOfFile({ postgres: startPostgres })

describe("the secrets of a containment", () => {
  test("--exposed-in finds the values in a leaked text, raw or encoded, in any stage, and rotates no other secret", async () => {
    await using shop = await openShop(servers.postgres, { endSessions: true, two: true })
    await shop.adopt()
    const [old, key] = [shop.old, shop.project.variable("SESSION_KEY", "session.env")]
    expect((await shop.run("rotate-now", "production/postgres", "--json")).code).toBe(0)
    shop.project.write(
      "leak.log",
      `GET /?auth=${Buffer.from(`shop:${old}`).toString("base64")} 200\n`,
    )
    const looked = await shop.run("rotate-now", "--exposed-in", "leak.log", "--dry-run")
    expect({
      code: looked.code,
      message: looked.stderr.split("\n").filter((line) => line.startsWith("exposed")),
    }).toEqual({
      code: 0,
      message: [
        "exposed   production/postgres  v1 (retired) stands in the text, base64",
        "exposed   production/postgres  only values that are dead already stand in the text: " +
          "its current one does not, and is rotated all the same",
      ],
    })
    const before = shop.shown
    const ran = await shop.run("rotate-now", "--exposed-in", "leak.log", "--contain", "--json")
    expect({
      code: ran.code,
      rotated: Object.keys(json<Report>(ran).reports[0]?.outcomes ?? {}),
    }).toEqual({ code: 0, rotated: ["postgres"] })
    expect([shop.shown === before, shop.project.variable("SESSION_KEY", "session.env")]).toEqual([
      false,
      key,
    ])
    expect(`${looked.stdout}${looked.stderr}${ran.stdout}${ran.stderr}`).not.toContain(old)
    shop.project.write("clean.log", "nothing of ours\n")
    const clean = await shop.run("rotate-now", "--exposed-in", "clean.log", "--contain")
    expect({ code: clean.code, message: clean.stderr }).toEqual({
      code: 0,
      message:
        "that text holds none of the versions that are kept, and nothing that an output shows now " +
        "(raw, URL-encoded, in JSON, base64, hex, a hex dump, UTF-16); nothing was changed. " +
        "Versions that have aged out could not be compared\n",
    })
    expect(readFileSync(shop.project.auditPath(), "utf8")).toContain(
      '"event":"read","purpose":"exposed-in","secrets":["postgres","session_key"]',
    )
  })

  test.each([
    ["missing.log", "cannot read missing.log: ENOENT"],
    [".", ". is a folder"],
  ])(
    "a text that cannot be read (%s) is refused in one sentence, before any value is opened",
    async (file, message) => {
      await using shop = await openShop(servers.postgres)
      await shop.adopt()
      const before = readFileSync(shop.project.auditPath(), "utf8")
      const ran = await shop.run("rotate-now", "--exposed-in", file, "--contain")
      expect({
        code: ran.code,
        lines: ran.stderr.trim().split("\n").length,
        said: ran.stderr.startsWith(`mycelium: ${message}\n`),
      }).toEqual({ code: 2, lines: 2, said: true })
      expect(readFileSync(shop.project.auditPath(), "utf8")).toBe(before)
    },
  )

  test("--tag chooses by tag, and names the tags if none fits", async () => {
    await using shop = await openShop(servers.postgres, {
      two: true,
      secret: { tags: ["payments"] },
    })
    await shop.adopt()
    const key = shop.project.variable("SESSION_KEY", "session.env")
    const ran = await shop.run("rotate-now", "--tag", "payments", "--contain", "--json")
    expect({
      code: ran.code,
      rotated: Object.keys(json<Report>(ran).reports[0]?.outcomes ?? {}),
      key: shop.project.variable("SESSION_KEY", "session.env"),
    }).toEqual({ code: 0, rotated: ["postgres"], key })
    const none = await shop.run("rotate-now", "--tag", "paymentz", "--contain")
    expect({ code: none.code, hint: none.stderr.includes("hint: tags: payments") }).toEqual({
      code: 2,
      hint: true,
    })
  })
})
