import { describe, expect, test } from "bun:test"
import { chmodSync, rmSync } from "node:fs"
import { until } from "../support/until.ts"
import { stateOf, versionsOf } from "../support/sealed.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { openShop } from "../support/shop.ts"
import { expectBack } from "../support/rotation.ts"
import { serversOfFile } from "../support/servers-of-file.ts"

const servers = serversOfFile({ postgres: startPostgres })

describe("mycelium, if a deployment does not take the new value", () => {
  test("rolls back: the file is the same byte for byte, the old password works, the new one is refused", async () => {
    await using shop = await openShop(servers.postgres)
    const { project } = shop
    await shop.adopt()
    shop.sicken()
    const before = project.read(".env")
    const { stdout, code } = await shop.run("rotate-now", "production")
    expect(stdout).toContain(
      "production/postgres: went back to the old value: api did not get healthy",
    )
    expect(code).toBe(1)
    await expectBack(shop, before)
    expect((await stateOf(project))?.secrets["postgres"]?.retry).toMatchObject({
      failures: 1,
      code: "deployment-unhealthy",
    })
    expect((await stateOf(project))?.changeSet).toBeUndefined()
  })

  test("rolls back if the hook fails, and says so without the hook's words", async () => {
    await using shop = await openShop(servers.postgres)
    const { project } = shop
    await shop.adopt()
    project.script(
      "restart-api",
      "if cmp -s .env good.env; then cp .env api.loaded; exit 0; fi",
      "cat .env; cat .env >&2; exit 3",
    )
    project.write("good.env", project.read(".env"))
    const before = project.read(".env")
    const { stdout, stderr, code } = await shop.run("rotate-now", "production")
    expect(stdout).toContain("went back to the old value: api did not get healthy")
    expect(stdout).toContain("ended with code 3")
    expect(`${stdout}${stderr}`).not.toContain("PORT=8080")
    expect(code).toBe(1)
    await expectBack(shop, before)
  })

  test("waits with the file and the program while the server is silent in the rollback, and does not restart anything repeatedly", async () => {
    await using other = await startPostgres()
    await using shop = await openShop(other)
    const { project } = shop
    await shop.adopt()
    shop.sicken()
    const before = project.read(".env")
    project.script(
      "restart-api",
      "cp .env api.loaded",
      "echo restarted >> api.log",
      "[ -e stopped ] || { touch waiting; until [ -e stopped ]; do sleep 0.05; done; }",
    )
    const running = shop.run("rotate-now", "production")
    await until("the hook to wait", () => project.has("waiting"))
    await other.stop()
    const delivered = project.read(".env")
    project.write("stopped", "")
    await until(
      "it to go back",
      async () => (await stateOf(project))?.changeSet?.direction === "back",
    )
    await Bun.sleep(3000)
    expect([project.read(".env"), project.read("api.log")]).toEqual([delivered, "restarted\n"])
    await other.start()
    const { stdout, code } = await running
    expect(stdout).toContain("production/postgres: went back to the old value")
    expect(code).toBe(1)
    await expectBack(shop, before)
  }, 60_000)

  test("passes nothing of our environment to its hooks except what a program needs", async () => {
    await using shop = await openShop(servers.postgres)
    const { project } = shop
    await shop.adopt()
    project.script("restart-api", "env > hook.env", "cp .env api.loaded")
    expect(
      (
        await project.mycelium(["rotate-now", "production"], {
          env: { SOME_TOKEN: "not for hooks" },
        })
      ).code,
    ).toBe(0)
    const names = project
      .read("hook.env")
      .split("\n")
      .flatMap((line) => /^(\w+)=/.exec(line)?.[1] ?? [])
    expect(
      names.filter(
        (name) =>
          !["HOME", "LANG", "PATH", "TZ", "MYCELIUM_RUN", "PWD", "OLDPWD", "SHLVL", "_"].includes(
            name,
          ),
      ),
    ).toEqual([])
  })

  test("does not begin while the deployment is unhealthy", async () => {
    await using shop = await openShop(servers.postgres)
    await shop.adopt()
    shop.project.write("api.loaded", "something else")
    const before = shop.project.read(".env")
    const { stdout, code } = await shop.run("rotate-now", "production")
    expect(stdout).toContain(
      "production/postgres: left as it was: api is not healthy before the rotation",
    )
    expect(code).toBe(1)
    expect(shop.project.read(".env")).toBe(before)
    expect(await versionsOf(shop.project, "postgres")).toHaveLength(1)
  })

  for (const { what, spoil, message, hint } of [
    {
      what: "restart",
      spoil: (path: string) => chmodSync(path, 0o644),
      message: "may not be executed by this user",
      hint: (path: string) => `chmod +x ${path}`,
    },
    {
      what: "restart",
      spoil: (path: string) => rmSync(path),
      message: "does not exist",
      hint: () => "put it there and chmod +x it, or correct the path in the config",
    },
    {
      what: "health check",
      spoil: (path: string) => rmSync(path),
      message: "does not exist",
      hint: () => "put it there and chmod +x it, or correct the path in the config",
    },
  ]) {
    test(`does not begin if the program of a ${what} ${message}; a dry run says so too`, async () => {
      await using shop = await openShop(servers.postgres)
      await shop.adopt()
      const path = shop.project.path(what === "restart" ? "restart-api" : "health-api")
      spoil(path)
      for (const more of [["--dry-run"], []]) {
        const { stdout, code } = await shop.run("rotate-now", "production", ...more)
        expect(stdout).toContain(
          `${path} (the ${what} of production/api) ${message} (hook-missing)`,
        )
        expect(stdout).toContain(`hint: ${hint(path)}`)
        expect(code).toBe(1)
      }
      expect(await shop.login(shop.old)).toBe("in")
      expect(await versionsOf(shop.project, "postgres")).toHaveLength(1)
    })
  }
})

describe("mycelium, if it cannot prove that the old password is dead", () => {
  test("does not take a refusal for a proof: a role that has expired refuses the right password too", async () => {
    await using shop = await openShop(servers.postgres, { admin: true })
    const { project } = shop
    await shop.adopt()
    project.script(
      "restart-api",
      "cp .env api.loaded",
      "[ -e go ] || { touch waiting; until [ -e go ]; do sleep 0.05; done; }",
    )
    const running = shop.run("rotate-now", "production")
    await until("the hook to wait", () => project.has("waiting"))
    await servers.postgres.sql(`alter role ${shop.role} valid until 'yesterday'`)
    project.write("go", "")
    const { stdout, code } = await running
    expect(stdout).toContain("production/postgres: rotated, v2 is current")
    expect(stdout).toContain(
      "v1 is NOT proven dead: the service refuses the current value, " +
        "so nothing older is taken away (current-refused)",
    )
    expect(code).toBe(7)
    await servers.postgres.sql(`alter role ${shop.role} valid until 'infinity'`)
    expect((await shop.run("run", "--once")).code).toBe(0)
    expect((await versionsOf(project, "postgres")).map(({ stage }) => stage)).toEqual([
      "retired",
      "current",
    ])
  }, 30_000)
})
