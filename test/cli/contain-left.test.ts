import { describe, expect, test } from "bun:test"
import { binary, json } from "../support/mycelium.ts"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { configOf, openShop } from "../support/shop.ts"
import { until } from "../support/until.ts"
import { containAsJson } from "../support/containment.ts"
import { contain } from "../support/incident-report.ts"

/**
 * A secret that a containment could not reach stays named as not contained: by the run, report,
 * check, status, plan and the service.
 */

const servers = serversOfFile({ postgres: startPostgres })

describe("a secret that a containment left", () => {
  test("without an admin, a role whose password the intruder has changed is out of reach, and the run says so", async () => {
    await using shop = await openShop(servers.postgres)
    await shop.adopt()
    await shop.setPassword("intruders-own-password")
    const ran = await shop.run("rotate-now", "production", "--contain")
    expect(ran.code).toBe(7)
    expect(ran.stdout).toContain(
      "if an intruder has changed it: set a new password at the service by hand",
    )
    expect(ran.stdout).toContain(
      "production/postgres: NOT changed: the server refuses the current value of production/postgres",
    )
    expect(shop.shown).toBe(shop.old)
  })

  test("a secret that was left, and then removed from the config, stays not contained: the run, the report and check say the same", async () => {
    await using shop = await openShop(servers.postgres, { two: true })
    const { project } = shop
    await shop.adopt()
    await shop.setPassword("intruders-own-password")
    expect((await shop.run(...contain)).code).toBe(7)
    const config = configOf(shop)
    const production = config.environments["production"] as {
      readonly outputs: readonly object[]
      readonly deployments: Readonly<Record<string, object>>
    }
    project.configure({
      ...config,
      environments: {
        production: {
          ...production,
          secrets: { session_key: "generated" },
          outputs: production.outputs.slice(1),
          deployments: { web: production.deployments["web"] },
        },
      },
    })
    const again = await shop.run(...contain)
    expect({ code: again.code, message: again.stdout }).toEqual({
      code: 7,
      message: expect.stringContaining(
        "production/postgres: NOT changed: it is in the state and not in the config, " +
          "so nothing here reaches its service",
      ),
    })
    expect(again.stdout).toContain("NOT all contained, 1 left")
    const report = await shop.run("report", "leak-7")
    expect({ code: report.code, message: report.stdout }).toEqual({
      code: 7,
      message: expect.stringContaining("it is in the state and not in the config"),
    })
    // It names no command that is refused.
    expect(report.stdout).not.toContain("```sh\nmycelium rotate-now")
    const check = await shop.run("check", "--quick")
    expect({ code: check.code, message: check.stdout }).toEqual({
      code: 4,
      message: expect.stringContaining(
        "remedy: put it back into the config, or, if another config has it, name that with --config; or, where it was renamed or is not needed any more, once its login is ended at the service, or is another secret's now: mycelium delete production/postgres --login-ended --yes",
      ),
    })
    // As it says.
    expect((await shop.run("delete", "production/postgres", "--login-ended", "--yes")).code).toBe(0)
    const done = await shop.run(...contain)
    expect(done.code).toBe(0)
    expect(done.stdout).not.toContain("NOT")
    // A later report says on whose word that is.
    const later = await shop.run("report", "leak-7")
    expect({ code: later.code, message: later.stdout }).toEqual({
      code: 0,
      message: expect.stringContaining("a person has said that its login is ended"),
    })
  }, 60_000)

  test("a secret that was left is an error of check, and shown by status, plan and the review, until a containment ends it; a rotation does not", async () => {
    await using shop = await openShop(servers.postgres)
    await shop.adopt()
    await shop.setPassword("intruders-own-password")
    expect((await shop.run(...containAsJson)).code).toBe(7)
    expect((await shop.run("status")).stdout).toMatch(
      /! postgres .*NOT contained since .* UTC \(leak-7\): \w/,
    )
    const note = /NOT contained since \d{4}-\d\d-\d\d \d\d:\d\d UTC \(leak-7\): \w/
    expect((await shop.run("plan")).stdout).toMatch(new RegExp(`^! postgres  ${note.source}`, "m"))
    expect(json(await shop.run("plan", "--json"))).toMatchObject({
      environments: [{ uncontained: [{ secret: "postgres", incident: "leak-7" }] }],
    })
    const told = (await shop.run("run", "--once", "--json")).stdout
      .split("\n")
      .filter((line) => line.includes('"code":"not-contained"'))
    expect(told.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      {
        level: "error",
        environment: "production",
        secret: "postgres",
        incident: "leak-7",
        says: expect.stringMatching(note),
      },
    ])
    // The service says it, too, though no turn is due for weeks.
    const service = Bun.spawn([binary, "run", "--json"], {
      cwd: shop.project.folder,
      env: shop.project.environment,
      stdio: ["ignore", "pipe", "ignore"],
    })
    const reader = service.stdout.pipeThrough(new TextDecoderStream()).getReader()
    let said = ""
    await until(
      "the service says it",
      async () => (said += (await reader.read()).value ?? "").includes('"message":"not contained"'),
      10_000,
    )
    service.kill("SIGTERM")
    await service.exited
    const left = await shop.run("check", "--quick")
    expect({
      code: left.code,
      message: left.stdout.includes("production/postgres: chosen for leak-7"),
      remedy: left.stdout.includes(
        "mycelium rotate-now production/postgres --contain --incident leak-7",
      ),
    }).toEqual({ code: 4, message: true, remedy: true })
    const review = await shop.run("report", "--since", "1d")
    expect([
      review.stdout.includes("In order"),
      review.stdout.includes("need attention (mycelium status says why): production/postgres"),
    ]).toEqual([false, true])
    await shop.setPassword(shop.old)
    expect((await shop.run("rotate-now", "production", "--json")).code).toBe(0)
    expect((await shop.run("check", "--quick")).stdout).toContain("not-contained")
    expect((await shop.run(...containAsJson)).code).toBe(0)
    expect((await shop.run("status")).stdout).toContain("none needs attention")
    for (const args of [["check", "--quick"], ["plan"], ["run", "--once", "--json"]])
      expect((await shop.run(...args)).stdout).not.toMatch(/not.contained/i)
  })

  test("an adoption meanwhile proves the value and contains nothing: it says so, with the command that does", async () => {
    await using shop = await openShop(servers.postgres, { two: true })
    await shop.adopt()
    await shop.setPassword("Intruders-own-password.1")
    expect((await shop.run(...containAsJson)).code).toBe(7)
    shop.project.write(
      "given.json",
      JSON.stringify({ postgres_password: "Intruders-own-password.1" }),
    )
    const ran = await shop.run("adopt", "production", "--from", "given.json")
    const command = "rotate-now production/postgres --contain --incident leak-7"
    expect(ran.stdout.split("\n").slice(0, 3)).toEqual([
      "production/postgres: adopted as v2: a login with it works, one with a wrong value is " +
        "refused; its age is unknown, so it is due at the next scheduled time; " +
        "NOT contained in leak-7, because an adoption ends no sessions and no values that " +
        "others set",
      expect.stringMatching(/^ {2}\S+ \(uid \d+\) listens at 127\.0\.0\.1:\d+$/),
      `  hint: this ends it: mycelium ${command}`,
    ])
    expect(ran.stdout).toContain("\nproduction/session_key: known already, v2\n")
    expect(ran.code).toBe(7)
    const again = json<{ readonly results: Readonly<Record<string, unknown>> }>(
      await shop.run("adopt", "production", "--from", "given.json", "--json"),
    )
    expect(again.results).toMatchObject({
      postgres: { kind: "known", version: "v2", uncontained: "leak-7" },
      session_key: { kind: "known", version: "v2" },
    })
    expect((await shop.run(...command.split(" "))).code).toBe(0)
    expect((await shop.run("status")).stdout).toContain("none needs attention")
    expect((await shop.run("adopt", "production")).stdout).not.toContain("contained")
  })

  test("a secret that a killed run had chosen and not begun is named as well", async () => {
    await using shop = await openShop(servers.postgres, { endSessions: true, two: true })
    await shop.adopt()
    await shop.setPassword("intruders-own-password")
    shop.project.script("restart-web", 'kill -9 "$PPID"')
    expect((await shop.run(...containAsJson)).signal).toBe("SIGKILL")
    const told = json<{
      readonly environments: readonly {
        readonly secrets: readonly { readonly notes: readonly string[] }[]
      }[]
    }>(await shop.run("status", "--json"))
    expect(
      told.environments[0]?.secrets.map(
        ({ notes }) => notes.filter((note) => note.startsWith("NOT contained")).length,
      ),
    ).toEqual([1, 1])
  })
})
