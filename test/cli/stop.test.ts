import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { readFileSync, rmSync } from "node:fs"
import { binary } from "../support/mycelium.ts"
import { stateOf } from "../support/sealed.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { type Shop, type ShopOptions, configOf, openShop } from "../support/shop.ts"
import { until } from "../support/until.ts"

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

/** The binary as a child whose signals are ours to send. */
function start(shop: Shop, args: readonly string[]): Bun.Subprocess<"ignore", "pipe", "pipe"> {
  return Bun.spawn([binary, ...args], {
    cwd: shop.project.folder,
    env: { ...shop.project.environment },
    stdio: ["ignore", "pipe", "pipe"],
  })
}

/**
 * One role, two programs that read it: a program that holds the old password is cut off. The first restart
 * waits for the file "go".
 */
async function inTheGap(
  how: { readonly options?: ShopOptions; readonly args?: readonly string[] },
  act: (shop: Shop, child: Child) => Promise<void>,
): Promise<void> {
  await using shop = await openShop(server, how.options ?? {})
  const { project } = shop
  await shop.adopt()
  const config = configOf(shop)
  const reading = (name: string): object => ({ command: [`./restart-${name}`], reads: [".env"] })
  project.configure({
    ...config,
    environments: {
      production: {
        ...config.environments["production"],
        deployments: { api: reading("api"), metrics: reading("metrics") },
      },
    },
  })
  project.script(
    "restart-api",
    "touch begun",
    "until [ -e go ]; do sleep 0.02; done",
    "cp .env api.loaded",
  )
  project.script("restart-metrics", "cp .env metrics.loaded")
  const child = start(shop, how.args ?? ["rotate-now", "production"])
  try {
    await until("the hook to begin", () => project.has("begun"))
    await act(shop, child)
  } finally {
    project.write("go", "")
    await child.exited
  }
}

type Child = ReturnType<typeof start>

/** What it says, as it comes. */
function listen(child: Child): { text: string } {
  const heard = { text: "" }
  void (async () => {
    for await (const part of child.stderr.pipeThrough(new TextDecoderStream())) heard.text += part
  })()
  return heard
}

const finishes = "a second Ctrl-C or SIGTERM, or 1m 20s, ends at once"

describe("mycelium, asked to stop while programs are cut off", () => {
  test.each([
    ["SIGTERM", ["rotate-now", "production"]],
    ["SIGINT", ["rotate-now", "production", "--json"]],
    ["SIGHUP", ["rotate-now", "production"]],
    ["SIGTERM", ["rotate-now", "production", "--contain", "--yes"]],
    ["SIGINT", ["rotate-now", "production", "--contain", "--revoke-first", "--yes"]],
  ] as const)(
    "finishes, and says at once that it does: %s %j",
    async (signal, args) => {
      await inTheGap(
        { args, options: args.length > 3 ? { admin: true } : {} },
        async (shop, child) => {
          const { project } = shop
          const heard = listen(child)
          child.kill(signal)
          await until("it to say so", () => heard.text.includes(finishes))
          expect(heard.text).toContain("stopping after production/api, production/metrics")
          project.write("go", "")
          await child.exited
          // No program is cut off any more: a login that may be under way is left to the same command, and said.
          const code = args.length > 3 ? 7 : 0
          expect({ code: child.exitCode, heard: heard.text }).toMatchObject({ code })
          expect(project.read("metrics.loaded")).toBe(project.read(".env"))
          expect(await shop.login(shop.shown)).toBe("in")
        },
      )
    },
    30_000,
  )

  test("goes back to the end where a program does not get healthy", async () => {
    await inTheGap({}, async (shop, child) => {
      const { project } = shop
      const heard = listen(child)
      child.kill("SIGTERM")
      await until("it to say so", () => heard.text.includes(finishes))
      project.script("restart-metrics", "cp .env metrics.loaded", `grep -q '${shop.old}' .env`)
      project.write("go", "")
      await child.exited
      expect({
        code: child.exitCode,
        shown: shop.shown,
        login: await shop.login(shop.old),
      }).toEqual({ code: 1, shown: shop.old, login: "in" })
      for (const name of ["api", "metrics"])
        expect(project.read(`${name}.loaded`)).toBe(project.read(".env"))
    })
  }, 30_000)

  test.each([["rotate-now production"], ["rotate-now production --json"], ["run --once"]])(
    "twice, ends at once with exit 7 and the names: %s",
    async (words) => {
      const args = words.split(" ")
      await inTheGap(
        { args: args[0] === "run" ? ["rotate-now", "production"] : args },
        async (shop, first) => {
          let child = first
          if (args[0] === "run") {
            first.kill("SIGKILL")
            await first.exited
            // The hook that it had begun ends first: two never run at once.
            shop.project.write("go", "")
            await until(
              "the first hook to end",
              () => shop.project.read("api.loaded") === shop.project.read(".env"),
            )
            for (const name of ["go", "begun"]) rmSync(shop.project.path(name))
            child = start(shop, args)
            await until("the hook to begin again", () => shop.project.has("begun"))
          }
          const heard = listen(child)
          child.kill("SIGTERM")
          await until("it to say so", () => heard.text.includes(finishes))
          await Bun.sleep(300)
          child.kill("SIGTERM")
          await child.exited
          expect({ code: child.exitCode, signal: child.signalCode }).toEqual({
            code: 7,
            signal: null,
          })
          for (const name of ["production/api", "production/metrics"])
            expect(heard.text).toMatch(new RegExp(`${name}.*postgres`))
          expect(heard.text).toMatch(
            args.includes("--contain")
              ? /this finishes what was begun: mycelium rotate-now production --contain .*--incident incident-/
              : /run the same command again/,
          )
          expect(heard.text).toContain(
            "a program that was begun goes on by itself: the next run waits for its end, or ends it",
          )
          // As it says: no run of Mycelium is there any more.
          shop.project.write("go", "")
          await until(
            "the hook to end by itself",
            () =>
              shop.project.has("api.loaded") &&
              shop.project.read("api.loaded") === shop.project.read(".env"),
          )
          expect((await shop.run("rotate-now", "production")).code).toBe(0)
          for (const name of ["api", "metrics"])
            expect(shop.project.read(`${name}.loaded`)).toBe(shop.project.read(".env"))
        },
      )
    },
    60_000,
  )

  test("twice, says of a value that no service asks for who has which, and status, plan and check say the same", async () => {
    await inTheGap({ options: { generatedOnly: true } }, async ({ project }, child) => {
      const heard = listen(child)
      child.kill("SIGTERM")
      await until("it to say so", () => heard.text.includes(finishes))
      expect(heard.text).toContain(
        "left now, old and new value of production/session_key might be in use",
      )
      await Bun.sleep(300)
      child.kill("SIGTERM")
      await child.exited
      const words =
        "old and new value of production/session_key may be in use: " +
        "production/api may have either, production/metrics has the old one"
      expect({ code: child.exitCode, said: heard.text.includes(words) }).toEqual({
        code: 7,
        said: true,
      })
      expect(heard.text).not.toMatch(/no longer works|cut off/)
      const told = await Promise.all(
        ["status", "plan", "check"].map(async (command) => {
          const { code, stdout } = await project.mycelium([command])
          return {
            command,
            code,
            said: stdout.includes(words),
            not: /no longer works/.test(stdout),
          }
        }),
      )
      expect(told).toEqual([
        { command: "status", code: 0, said: true, not: false },
        { command: "plan", code: 0, said: true, not: false },
        { command: "check", code: 4, said: true, not: false },
      ])
      project.write("go", "")
      expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
      expect((await project.mycelium(["status"])).stdout).not.toContain("old and new value")
    })
  }, 60_000)

  test("run says what it leaves unfinished, also if no program is cut off: a value that no service asks for", async () => {
    await using shop = await openShop(server, { generatedOnly: true })
    const { project } = shop
    await shop.adopt()
    project.script(
      "restart-api",
      "touch begun",
      "until [ -e go ]; do sleep 0.02; done",
      "cp .env api.loaded",
    )
    const first = start(shop, ["rotate-now", "production"])
    await until("the hook to begin", () => project.has("begun"))
    first.kill("SIGKILL")
    await first.exited
    project.write("go", "")
    await until("the first hook to end", () => project.read("api.loaded") === project.read(".env"))
    for (const name of ["go", "begun"]) rmSync(project.path(name))
    const child = start(shop, ["run"])
    const heard = listen(child)
    try {
      await until("the hook to begin again", () => project.has("begun"))
      child.kill("SIGTERM")
      project.write("go", "")
      await child.exited
      const open = (await stateOf(project))?.changeSet !== undefined
      expect({
        code: child.exitCode,
        open,
        said: /interrupted: .*production\/api/.test(heard.text),
      }).toEqual({ code: 0, open: true, said: true })
    } finally {
      project.write("go", "")
      child.kill("SIGKILL")
      await child.exited
    }
  }, 60_000)

  test("check --quick says at once who is cut off by a run that was killed, and nothing of one that is at work", async () => {
    await inTheGap({}, async (shop, child) => {
      const working = await shop.run("check", "--quick")
      expect({ code: working.code, message: working.stdout }).toEqual({
        code: 0,
        message: expect.stringContaining("warn  journal-open: "),
      })
      child.kill("SIGSTOP")
      await until("it is stopped", () =>
        readFileSync(`/proc/${child.pid}/stat`, "utf8").includes(") T "),
      )
      expect((await shop.run("check", "--quick")).code).toBe(4)
      child.kill("SIGKILL")
      await child.exited
      const killed = await shop.run("check", "--quick")
      expect({ code: killed.code, message: killed.stdout }).toEqual({
        code: 4,
        message: expect.stringContaining(
          "; production/metrics holds a value that no longer works; production/api may hold a " +
            "value that no longer works",
        ),
      })
    })
  }, 30_000)

  test("that is asked twice at the same instant, by timeout(1) or a shell that passes it on, takes it for one", async () => {
    await inTheGap({}, async ({ project }, child) => {
      const heard = listen(child)
      child.kill("SIGINT")
      child.kill("SIGTERM")
      child.kill("SIGHUP")
      await until("it to say so", () => heard.text.includes(finishes))
      project.write("go", "")
      await child.exited
      expect(child.exitCode).toBe(0)
    })
  }, 30_000)
})

describe("mycelium rotate-now, asked to stop where both values live", () => {
  test("ends between two steps, says what is done and what is not, and the next call goes on with the same value", async () => {
    await inTheGap({ options: { pair: true } }, async (shop, child) => {
      const { project } = shop
      const heard = listen(child)
      child.kill("SIGTERM")
      await Bun.sleep(100)
      project.write("go", "")
      await child.exited
      expect(child.exitCode).toBe(1)
      expect(heard.text).toContain(
        "interrupted: production/postgres has a new value; production/metrics was not restarted",
      )
      expect(heard.text).toContain("run the same command again")
      expect((await stateOf(project))?.changeSet?.direction).toBe("forward")
      const made = shop.shown
      const { stdout, code } = await shop.run("rotate-now", "production", "--no-wait")
      expect(stdout).toContain("production/postgres: rotated, v2 is current")
      expect({ code, shown: shop.shown }).toEqual({ code: 0, shown: made })
    })
  }, 30_000)

  test("twice, ends at once, and says that no program is cut off", async () => {
    await inTheGap({ options: { pair: true } }, async (shop, child) => {
      const heard = listen(child)
      child.kill("SIGTERM")
      await Bun.sleep(400)
      child.kill("SIGTERM")
      await child.exited
      expect(child.exitCode).toBe(143)
      expect(heard.text).toContain("interrupted: production")
      shop.project.write("go", "")
      expect((await shop.run("rotate-now", "production", "--no-wait")).code).toBe(0)
    })
  }, 30_000)
})

describe("mycelium rotate-now, whose reader has gone away", () => {
  test("does its work to the end", async () => {
    await using shop = await openShop(server)
    await shop.adopt()
    const child = Bun.spawn(
      ["/bin/sh", "-c", `{ "$0" rotate-now production; echo $? > code; } 2>&1 | true`, binary],
      {
        cwd: shop.project.folder,
        env: { ...shop.project.environment },
        stdio: ["ignore", "ignore", "ignore"],
      },
    )
    await child.exited
    await until("it to end", () => shop.project.has("code") && shop.project.read("code") !== "")
    expect(shop.project.read("code")).toBe("0\n")
    expect([await shop.login(shop.shown), await shop.login(shop.old)]).toEqual(["in", "28P01"])
  }, 30_000)
})
