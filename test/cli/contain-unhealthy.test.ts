import { describe, expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { json } from "../support/mycelium.ts"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { configOf, openShop } from "../support/shop.ts"
import { type Report, containAsJson } from "../support/containment.ts"

/** A containment goes on past a program that does not get healthy, and names it until it is. */

const servers = serversOfFile({ postgres: startPostgres })

describe("rotate-now --contain, with a program that does not get healthy", () => {
  test("a program that does not get healthy is reported, and the compromised value does not come back", async () => {
    await using shop = await openShop(servers.postgres, { endSessions: true, two: true })
    await shop.adopt()
    shop.sicken()
    const ran = await shop.run(...containAsJson)
    expect(ran.code).toBe(5)
    expect(json<Report>(ran).reports[0]?.outcomes["postgres"]).toMatchObject({
      kind: "rotated",
      unhealthy: expect.stringContaining("api did not get healthy") as unknown as string,
    })
    expect([await shop.login(shop.old), await shop.login(shop.shown)]).toEqual(["28P01", "in"])
    // The other program was restarted all the same.
    expect(shop.project.read("web.loaded")).toBe(shop.project.read("session.env"))
  })

  test("a program that did not get healthy is named until the same incident finds it healthy, and then blocks no rotation", async () => {
    await using shop = await openShop(servers.postgres, { endSessions: true, two: true })
    await shop.adopt()
    shop.sicken()
    const incident = containAsJson.filter((word) => word !== "--json")
    const first = await shop.run(...incident)
    expect({
      code: first.code,
      hint: first.stdout.includes("hint: the program may be down: look at its log, and restart it"),
      web: first.stdout.match(/session_key: v2 is current.*/)?.[0],
    }).toEqual({ code: 5, hint: true, web: "session_key: v2 is current" })
    const shown = shop.shown
    const told = async (): Promise<unknown> => {
      const [status, check, review] = [
        await shop.run("status"),
        await shop.run("check", "--quick"),
        await shop.run("report", "--since", "1d"),
      ]
      return {
        status: /! postgres .*api did not get healthy/.test(status.stdout),
        check: [check.code === 4, check.stdout.includes("promoted-unhealthy")],
        order: review.stdout.includes("In order"),
      }
    }
    expect(await told()).toEqual({ status: true, check: [true, true], order: false })
    const again = await shop.run(...incident)
    expect({
      code: again.code,
      message:
        /production\/postgres: contained before, by this incident.*, BUT api did not get healthy/.test(
          again.stdout,
        ),
    }).toEqual({ code: 5, message: true })
    expect(await told()).toEqual({ status: true, check: [true, true], order: false })
    rmSync(shop.project.path("sick"))
    expect((await shop.run(...incident)).code).toBe(0)
    expect([
      (await shop.run("status")).stdout.includes("none needs attention"),
      (await shop.run("check", "--quick")).stdout.includes("promoted-unhealthy"),
      shop.shown === shown,
    ]).toEqual([true, false, true])
    expect((await shop.run("report", "leak-7")).stdout).toContain(
      "production/api found healthy again",
    )
    expect((await shop.run("rotate-now", "production", "--json")).code).toBe(0)
  })

  test("a program without a health check is restarted by the same incident", async () => {
    await using shop = await openShop(servers.postgres, { endSessions: true })
    const { production } = configOf(shop).environments
    shop.project.script("restart-api", "[ ! -e broken ] || exit 1", "cp .env api.loaded")
    shop.project.configure({
      ...configOf(shop),
      environments: {
        production: {
          ...production,
          deployments: { api: { command: ["./restart-api"], reads: [".env"] } },
        },
      },
    })
    await shop.adopt()
    shop.project.write("broken", "")
    expect((await shop.run(...containAsJson)).code).toBe(5)
    expect((await shop.run(...containAsJson)).code).toBe(5)
    rmSync(shop.project.path("broken"))
    expect((await shop.run(...containAsJson)).code).toBe(0)
    expect(shop.project.read("api.loaded")).toBe(shop.project.read(".env"))
    expect((await shop.run("status")).stdout).toContain("none needs attention")
  })
})
