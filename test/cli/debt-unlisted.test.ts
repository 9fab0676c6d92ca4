import { describe, expect, test } from "bun:test"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { type Shop, configOf, openShop } from "../support/shop.ts"

/**
 * A secret that was taken out of the config in its grace: what is owed of it is said, until a
 * person has ended it.
 */

const servers = serversOfFile({ postgres: startPostgres, redis: startRedis })

/** v2 is current, v1 in its grace; then the config has session_key alone. */
async function takenOut(): Promise<Shop> {
  const shop = await openShop(servers.postgres, {
    redis: servers.redis,
    two: true,
    secret: { grace: "1h" },
  })
  await shop.adopt()
  expect((await shop.run("rotate-now", "production", "--no-wait")).code).toBe(0)
  const { environments, ...rest } = configOf(shop)
  const { secrets, outputs, deployments, ...production } = environments["production"] ?? {}
  const { session_key } = secrets as Readonly<Record<string, unknown>>
  const { web } = deployments as Readonly<Record<string, unknown>>
  shop.project.configure({
    ...rest,
    environments: {
      production: {
        ...production,
        secrets: { session_key },
        outputs: [(outputs as readonly unknown[])[1]],
        deployments: { web },
      },
    },
  })
  return shop
}

const contain = ["rotate-now", "--all", "--contain", "--yes", "--incident", "leak-7"]

describe("a secret that is out of the config while an old value of it is owed a revoke", () => {
  test("status, check --quick and rotate-now say so, and promise nothing", async () => {
    await using shop = await takenOut()
    const status = await shop.run("status")
    expect(status.stdout).toContain("redis")
    expect(status.stdout).toContain(
      "not in the config · v1 was to be revoked, and may still be accepted",
    )
    expect(status.stdout).toContain("mycelium delete production/redis --login-ended --yes")
    expect(status.stdout).toContain("1 needs attention")
    const check = await shop.run("check", "--quick")
    expect(check.stdout).toContain("debt-unlisted")
    expect(check.code).toBe(4)
    const plan = await shop.run("plan")
    expect(plan.stdout).toContain("! redis  not in the config: v1 was to be revoked, and may")
    expect(plan.stdout).toContain("mycelium delete production/redis --login-ended --yes")
    const once = await shop.run("run", "--once")
    expect(once.stdout + once.stderr).toContain("not in the config: v1 was to be revoked")
    expect(once.code).toBe(7)
    const rotated = await shop.run("rotate-now", "production", "--no-wait")
    expect(rotated.stdout).not.toContain("mycelium run, or the next rotate-now, revokes it then")
    expect([rotated.code, await shop.login(shop.old)]).toEqual([0, "in"])
  }, 60_000)

  test("a containment of all, and its report, call it not contained; put back, it carries on", async () => {
    await using shop = await takenOut()
    const ran = await shop.run(...contain)
    expect(ran.stdout).toContain(
      "production/redis: NOT changed: it is in the state and not in the config, " +
        "so nothing here reaches its service (secret-unknown)",
    )
    expect(ran.stdout).toContain(
      "  hint: put it back into the config, or, if another config has it,",
    )
    expect(ran.stdout).toContain("leak-7: NOT all contained, 1 left")
    const report = await shop.run("report", "leak-7")
    expect(report.stdout).toContain("production/redis")
    expect(report.stdout).toContain("mycelium delete production/redis --login-ended --yes")
    expect(report.stdout).not.toContain("rotate-now production/redis")
    expect((await shop.run("status")).stdout).toContain("NOT contained in leak-7")
    expect([ran.code, report.code]).toEqual([7, 7])
    shop.project.configure(configOf(shop))
    expect([
      (await shop.run(...contain)).code,
      (await shop.run("report", "leak-7")).code,
      await shop.login(shop.old),
      (await shop.run("check", "--quick")).code,
    ]).toEqual([0, 0, "WRONGPASS", 0])
  }, 60_000)

  test("erased with its login kept, all go on to call it not contained, and say how that ends", async () => {
    await using shop = await takenOut()
    expect((await shop.run(...contain)).code).toBe(7)
    expect((await shop.run("delete", "production/redis", "--keep-login", "--yes")).code).toBe(0)
    const told = [
      await shop.run(...contain),
      await shop.run("report", "leak-7"),
      await shop.run("status"),
      await shop.run("check", "--quick"),
    ]
    for (const { stdout } of told)
      expect(stdout).toContain("mycelium delete production/redis --login-ended --yes")
    expect(told.map(({ code }) => code)).toEqual([7, 7, 0, 4])
    expect(told[2]?.stdout).not.toContain("none needs attention")
    const again = await shop.run("delete", "production/redis", "--keep-login", "--yes")
    expect(again.stdout).toContain("NOT erased: its values are erased, and its login was kept")
    // As they say.
    await servers.redis.command("ACL", "DELUSER", shop.role)
    expect((await shop.run("delete", "production/redis", "--login-ended", "--yes")).code).toBe(0)
    expect((await shop.run("status")).stdout).toContain("none needs attention")
    const report = await shop.run("report", "leak-7")
    expect(report.stdout).toContain(
      "Of production/redis, a person has said that its login is ended: that is not proven here.",
    )
    expect([
      (await shop.run(...contain)).code,
      report.code,
      (await shop.run("check", "--quick")).code,
    ]).toEqual([0, 0, 0])
  }, 60_000)

  test("erased at once by the word of a person that its login is ended", async () => {
    await using shop = await takenOut()
    expect((await shop.run(...contain)).code).toBe(7)
    await servers.redis.command("ACL", "DELUSER", shop.role)
    expect((await shop.run("delete", "production/redis", "--login-ended", "--yes")).code).toBe(0)
    expect([(await shop.run(...contain)).code, (await shop.run("report", "leak-7")).code]).toEqual([
      0, 0,
    ])
  }, 60_000)
})

describe("an environment that is out of the config as a whole", () => {
  test("while a revoke of it is owed: status, check and run name it", async () => {
    await using shop = await openShop(servers.postgres, {
      redis: servers.redis,
      secret: { grace: "1h" },
    })
    await shop.adopt()
    expect((await shop.run("rotate-now", "production", "--no-wait")).code).toBe(0)
    const { environments, ...rest } = configOf(shop)
    const staging = {
      rotate_every: "90d",
      secrets: { session_key: "generated" },
      outputs: [
        {
          dotenv: "staging.env",
          merge: true,
          variables: { SESSION_KEY: "{{ session_key.password }}" },
        },
      ],
    }
    shop.project.configure({ ...rest, environments: { staging } })
    const message = "production has a state and is not in the config: redis: v1 was to be revoked"
    const status = await shop.run("status")
    expect(status.stdout).toContain(`! ${message}`)
    expect(status.stdout).toContain("mycelium delete production --login-ended --yes")
    expect(status.stdout).toContain("1 needs attention")
    const check = await shop.run("check", "--quick")
    expect(check.stdout).toContain(`FAIL  debt-unlisted: ${message}`)
    expect(check.code).toBe(4)
    const once = await shop.run("run", "--once")
    expect(once.stdout + once.stderr).toContain(message)
    expect(once.code).toBe(7)
    expect((await shop.run("plan")).stdout).toContain(`! ${message}`)
    expect(await shop.login(shop.old)).toBe("in")
    // As the hint says.
    shop.project.configure({ ...rest, environments: { ...environments, staging } })
    expect((await shop.run("status")).stdout).not.toContain("is not in the config")
    expect((await shop.run("plan")).stdout).not.toContain("is not in the config")
  }, 60_000)

  test("while a rotation of it is open: plan shows it, and run --once needs a person", async () => {
    await using shop = await openShop(servers.postgres)
    await shop.adopt()
    shop.project.script("restart-api", 'kill -9 "$PPID"', "exit 1")
    expect((await shop.run("rotate-now", "production")).signal).toBe("SIGKILL")
    const { environments: _, ...rest } = configOf(shop)
    const staging = { rotate_every: "90d", secrets: { session_key: "generated" } }
    shop.project.configure({ ...rest, environments: { staging } })
    const message =
      "production has a state and is not in the config: a rotation of postgres is not finished"
    expect((await shop.run("plan")).stdout).toContain(`! ${message}`)
    expect(JSON.parse((await shop.run("plan", "--json")).stdout)).toMatchObject({
      left: [{ name: "production" }],
    })
    const once = await shop.run("run", "--once")
    expect(once.stdout + once.stderr).toContain(message)
    expect(once.code).toBe(7)
    // Who asks for some is not told of all.
    expect((await shop.run("plan", "staging")).stdout).not.toContain(message)
  }, 60_000)
})
