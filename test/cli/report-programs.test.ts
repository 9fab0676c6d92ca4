import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { IncidentReport } from "../../src/incident/report/model.ts"
import { json } from "../support/mycelium.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { type Shop, configOf, openShop } from "../support/shop.ts"

/**
 * What a report says of programs whose restart failed, and of secrets that were erased before they
 * were contained.
 */

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

const contain = ["rotate-now", "production", "--contain", "--yes", "--incident", "leak-7"]

async function reportOf(shop: Shop): Promise<IncidentReport & { readonly code: number }> {
  const ran = await shop.run("report", "leak-7", "--json")
  return { code: ran.code ?? -1, ...json<IncidentReport>(ran) }
}

/** Adopted; the programs named here do not restart, and are healthy by their check all the same. */
async function openBroken(...programs: readonly string[]): Promise<Shop> {
  const shop = await openShop(server, { two: true })
  await shop.adopt()
  for (const name of programs) {
    shop.project.script(`restart-${name}`, "exit 3")
    shop.project.script(`health-${name}`, "true")
  }
  return shop
}

function mend({ project }: Shop, name: string, file: string): void {
  project.script(`restart-${name}`, `cp ${file} ${name}.loaded`)
}

function restartsOf(
  { project }: Shop,
  deployment: string,
): readonly { readonly at: string; readonly healthy: boolean }[] {
  return project
    .read(project.auditPath())
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => line["event"] === "restart" && line["deployment"] === deployment)
    .map((line) => ({ at: String(line["at"]), healthy: line["healthy"] === true }))
}

describe("a program whose restart failed", () => {
  test("is never up again, nor healthy with a new value, before a restart has ended well", async () => {
    await using shop = await openBroken("api", "web")
    expect((await shop.run(...contain)).code).toBe(7)
    // Its health is asked again, and is good: it runs, with what it has read before.
    expect((await shop.run(...contain)).stdout).toContain("NOT contained: web was not restarted")
    const report = await reportOf(shop)
    expect({
      code: report.code,
      contained: report.contained,
      healthyAt: report.healthyAt,
      unhealthy: report.unhealthy.map(({ deployment, notRestarted }) => ({
        deployment,
        notRestarted,
      })),
      restarts: report.secrets.map(({ restarts }) =>
        restarts.map(({ deployment, healthy, notRestarted }) => ({
          deployment,
          healthy,
          notRestarted,
        })),
      ),
    }).toEqual({
      code: 7,
      contained: false,
      healthyAt: undefined,
      unhealthy: [
        { deployment: "api", notRestarted: true },
        { deployment: "web", notRestarted: true },
      ],
      restarts: [
        [{ deployment: "api", healthy: false, notRestarted: true }],
        [{ deployment: "web", healthy: false, notRestarted: true }],
      ],
    })
    const { stdout } = await shop.run("report", "leak-7")
    expect(stdout).not.toMatch(/up again|found healthy|: healthy by/)
    expect(stdout).not.toContain("they were restarted with the new values")
    expect(stdout).not.toContain("Find out why it could not be written")
    expect(stdout).toMatch(
      /These programs were not restarted, and may hold a value that is not the current one: production\/api \(last tried at .*\), production\/web \(/,
    )
    expect(stdout).toContain(
      "production/web is healthy by its check; it had not been restarted, and may have held the old value",
    )
    expect(stdout).toContain("web: NOT restarted, last tried at ")
  }, 60_000)

  test("is contained by the time of the restart, by whatever run, where no service asks for the value", async () => {
    await using shop = await openBroken("web")
    expect((await shop.run(...contain)).code).toBe(7)
    mend(shop, "web", "session.env")
    expect((await shop.run("run", "--once")).code).toBe(0)
    const [failed, done, ...more] = restartsOf(shop, "web")
    expect([failed?.healthy, done?.healthy, more]).toEqual([false, true, []])
    const report = await reportOf(shop)
    const key = report.secrets.find(({ secret }) => secret === "session_key")
    expect({ contained: key?.contained, at: key?.containedAt }).toEqual({
      contained: true,
      at: done?.at ?? "",
    })
    expect(report.containedAt).toBe(done?.at ?? "")
    const step = report.timeline.find(
      ({ what, subject }) => what === "contained" && subject === "session_key",
    )
    expect(step?.at).toBe(done?.at ?? "")
  }, 60_000)

  test("that takes a value which its service has ended is told of as that, not as of a changed file", async () => {
    await using shop = await openBroken("api")
    expect((await shop.run(...contain)).code).toBe(5)
    const { stdout } = await shop.run("report", "leak-7")
    expect(stdout).toContain("Contained: yes")
    expect(stdout).not.toContain("a file could not be written")
    expect(stdout).toContain("For these secrets, a program could not be restarted")
    const rendered = await shop.run("render", "production")
    expect(rendered.stdout).toContain(
      "production/api was not restarted since a containment changed what it reads (a restart " +
        "failed, or its file could not be written), and may hold the old value",
    )
  }, 60_000)
})

describe("a secret that is erased before it is contained", () => {
  test("is not contained if its login was kept, because no one changed it", async () => {
    await using shop = await openShop(server, { two: true })
    await shop.adopt()
    const { project } = shop
    project.configure(
      JSON.parse(JSON.stringify(configOf(shop)).replaceAll(`:${server.port}/`, ":1/")) as object,
    )
    const [command, , ...rest] = contain
    expect((await shop.run(command ?? "", "production/postgres", ...rest)).code).toBe(7)
    const production = configOf(shop).environments["production"] ?? {}
    const { web } = production["deployments"] as Readonly<Record<string, object>>
    project.configure({
      project: "shop",
      environments: {
        production: {
          ...production,
          secrets: { session_key: "generated" },
          outputs: [
            {
              dotenv: "session.env",
              merge: true,
              variables: { SESSION_KEY: "{{ session_key.password }}" },
            },
          ],
          deployments: { web },
        },
      },
    })
    expect((await shop.run("delete", "production/postgres", "--keep-login", "--yes")).code).toBe(0)
    expect(await shop.login(shop.old)).toBe("in")
    const report = await reportOf(shop)
    expect({
      code: report.code,
      contained: report.contained,
      carryOn: report.carryOn,
      left: report.left.map(({ secret, code }) => ({ secret, code })),
    }).toEqual({
      code: 7,
      contained: false,
      carryOn: undefined,
      left: [{ secret: "postgres", code: "not-contained" }],
    })
    const { stdout } = await shop.run("report", "leak-7")
    expect(stdout).toContain("Contained: NOT yet. 0 of 1 secret is")
    expect(stdout).toContain(
      "erased with --keep-login before it was contained: its login was left as it was",
    )
  }, 60_000)

  test("is no more to be contained once its login was ended with it", async () => {
    await using shop = await openShop(server, { two: true, admin: true })
    await shop.adopt()
    const { project } = shop
    const config = configOf(shop)
    project.configure(
      JSON.parse(JSON.stringify(config).replaceAll(`:${server.port}/`, ":1/")) as object,
    )
    const [command, , ...rest] = contain
    expect((await shop.run(command ?? "", "production/postgres", ...rest)).code).toBe(7)
    project.configure(config)
    expect((await shop.run("delete", "production/postgres", "--yes")).code).toBe(0)
    const report = await reportOf(shop)
    expect({ code: report.code, contained: report.contained }).toEqual({ code: 0, contained: true })
  }, 60_000)
})
