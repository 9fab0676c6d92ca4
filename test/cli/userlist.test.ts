import { describe, expect, test } from "bun:test"
import { readFileSync, statSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { pgbouncerPrograms } from "../../scripts/servers/pgbouncer.ts"
import { login } from "../support/login.ts"
import { type Pgbouncer, startPgbouncer } from "../support/servers/pgbouncer.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { type Shop, configOf, openShop } from "../support/shop.ts"
import { until } from "../support/until.ts"

/**
 * PgBouncer's userlist.txt by `template`: the password itself stands there, and PgBouncer makes
 * SCRAM of it, to clients and to the server.
 */

const programs = await pgbouncerPrograms()

describe.skipIf(!programs.found)(
  `PgBouncer${programs.found ? "" : ` (skipped: ${programs.why})`}`,
  () => {
    test("takes the new password out of its userlist.txt and speaks SCRAM with it, on both sides", async () => {
      await using server = await startPostgres()
      await using shop = await openShop(server)
      const { project, role, old } = shop
      await using pooler = await startPgbouncer(server, { [role]: old })
      const { environments, ...config } = configOf(shop)
      const { production } = environments
      const { outputs, deployments } = production as {
        readonly outputs: readonly object[]
        readonly deployments: object
      }
      project.script("reload", `kill -HUP ${pooler.pid}`)
      const { uid, gid } = statSync(pooler.users)
      const userlist = {
        template: pooler.users,
        owner: `${uid}:${gid}`,
        text: '"{{ postgres.user }}" "{{ postgres.password }}"\n',
      }
      project.configure({
        ...config,
        environments: {
          production: {
            ...production,
            outputs: [...outputs, userlist],
            deployments: {
              ...deployments,
              pooler: {
                command: ["./reload"],
                reads: [pooler.users],
                healthy: { tcp: `127.0.0.1:${pooler.port}` },
              },
            },
          },
        },
      })
      await shop.adopt()
      expect(await login(pooler, role, old)).toBe("in")
      expect(await shop.run("rotate-now", "production")).toMatchObject({ code: 0 })
      expect(shop.shown).not.toBe(old)
      expect(readFileSync(pooler.users, "utf8")).toBe(`"${role}" "${shop.shown}"\n`)
      expect(
        await server.sql(
          `select rolpassword like 'SCRAM-SHA-256$%' as scram from pg_authid where rolname = '${role}'`,
        ),
      ).toEqual([{ scram: true }])
      // So that it must log in to the server anew.
      await server.sql(
        `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${role}'`,
      )
      await until(
        "it has read its userlist again",
        async () => (await login(pooler, role, shop.shown)) === "in",
      )
      expect(await login(pooler, role, old)).not.toBe("in")
    }, 60_000)

    test("before a pair refuses no login through three rotations, their graces and revokes, with both users in its userlist.txt", async () => {
      await using server = await startPostgres()
      await using shop = await openShop(server, { pair: true, secret: { grace: "3s" } })
      const { project, old } = shop
      const blue = project.variable("POSTGRES_USER")
      await using pooler = await startPgbouncer(server, { [blue]: old }, [
        "server_idle_timeout = 1",
      ])
      await writeFile(pooler.users, `"${blue}" "${old}"\n`.repeat(2))
      behindPooler(shop, pooler, { text: userlist })
      await shop.adopt()
      await using load = startLoad(shop, pooler)
      for (let count = 0; count < 3; count++) {
        const ran = await shop.run("rotate-now", "production")
        expect(
          { code: ran.code, revoked: ran.stdout.includes("is revoked") },
          ran.stdout + ran.stderr,
        ).toEqual({ code: 0, revoked: true })
        // What a pooler has left open of the previous user ends before its turn comes again.
        const idle =
          project.variable("POSTGRES_USER") === blue ? blue.replace("_blue", "_green") : blue
        await until(
          "the pooler has closed its connections of the previous user",
          async () =>
            (await server.sql(`select 1 from pg_stat_activity where usename = '${idle}'`))
              .length === 0,
        )
      }
      await load.stop()
      expect(load.refused).toEqual([])
      expect(load.users.size).toBe(2)
      expect(load.logins).toBeGreaterThan(50)
      expect((await shop.run("check")).stdout).not.toContain("pair-one-user")
    }, 120_000)

    test("refuses the former user in a containment once it has read its userlist.txt, which the dry run says", async () => {
      await using server = await startPostgres()
      await using shop = await openShop(server, { pair: true })
      const { project, old } = shop
      const blue = project.variable("POSTGRES_USER")
      await using pooler = await startPgbouncer(server, { [blue]: old })
      await writeFile(pooler.users, `"${blue}" "${old}"\n`.repeat(2))
      behindPooler(shop, pooler, { text: userlist })
      await shop.adopt()
      const { stdout } = await shop.run("rotate-now", "production", "--contain", "--dry-run")
      expect(stdout).not.toContain("side by side")
      expect(stdout).toContain(`a pooler that reads ${pooler.users} refuses the former user`)
      const plain = await shop.run("rotate-now", "production", "--dry-run")
      expect(plain.stdout).toContain("none, old and new are accepted side by side")
    }, 60_000)

    test("is told of by a dry run and check where the file names one user of a pair", async () => {
      await using server = await startPostgres()
      await using shop = await openShop(server, { pair: true })
      const { project, old } = shop
      const blue = project.variable("POSTGRES_USER")
      await using pooler = await startPgbouncer(server, { [blue]: old })
      behindPooler(shop, pooler, { text: '"{{ postgres.user }}" "{{ postgres.password }}"\n' })
      await shop.adopt()
      const { stdout } = await shop.run("rotate-now", "production", "--dry-run")
      expect(stdout).toContain(`${pooler.users} names one user of postgres at a time`)
      expect(stdout).toContain("{{ postgres.previous.user }}")
      expect(stdout).not.toContain("none, old and new are accepted side by side")
      expect((await shop.run("check")).stdout).toContain("pair-one-user")
    }, 60_000)
  },
)

const userlist =
  '"{{ postgres.user }}" "{{ postgres.password }}"\n' +
  '"{{ postgres.previous.user }}" "{{ postgres.previous.password }}"\n'

/**
 * As the recipe in the manual has it: the pooler comes first, and is healthy once it lets the new
 * user in.
 */
function behindPooler(shop: Shop, pooler: Pgbouncer, { text }: { readonly text: string }): void {
  const { project } = shop
  const { environments, ...config } = configOf(shop)
  const { production } = environments
  const { outputs, deployments } = production as {
    readonly outputs: readonly object[]
    readonly deployments: object
  }
  const { uid, gid } = statSync(pooler.users)
  project.script("reload", `kill -HUP ${pooler.pid}`)
  project.write(
    "knows.ts",
    `const env = Object.fromEntries(require("node:fs").readFileSync(".env", "utf8").split("\\n").map((line) => line.split("=")))
const client = new Bun.SQL({ adapter: "postgres", hostname: "127.0.0.1", port: ${pooler.port}, username: env.POSTGRES_USER, password: env.POSTGRES_PASSWORD, database: "postgres", max: 1, connectionTimeout: 5 })
await client.unsafe("select 1").then(() => process.exit(0), () => process.exit(1))
`,
  )
  project.script("knows", `exec ${process.execPath} run ${project.path("knows.ts")}`)
  const reloaded = {
    command: ["./reload"],
    reads: [pooler.users, ".env"],
    healthy: { command: ["./knows"], within: "20s" },
  }
  project.configure({
    ...config,
    environments: {
      production: {
        ...production,
        outputs: [...outputs, { template: pooler.users, text, owner: `${uid}:${gid}` }],
        deployments: { pooler: reloaded, ...deployments },
      },
    },
  })
}

type Load = AsyncDisposable & {
  readonly refused: readonly string[]
  readonly users: ReadonlySet<string>
  readonly logins: number
  readonly stop: () => Promise<void>
}

/**
 * A program that logs in by what it loaded at its last restart, and one that goes on for a second
 * with what was there before.
 */
function startLoad(shop: Shop, pooler: Pgbouncer): Load {
  const refused: string[] = []
  const users = new Set<string>()
  const seen: { readonly at: number; readonly user: string; readonly password: string }[] = []
  let going = true
  let logins = 0
  const loaded = (): { readonly user: string; readonly password: string } => {
    // The restart copies the file: half of it is no file.
    const [, user = "", password = ""] =
      /^POSTGRES_USER=(.+)\nPOSTGRES_PASSWORD=(.+)\n/m.exec(shop.project.read("api.loaded")) ?? []
    const last = seen.at(-1)
    if (password === "" && last !== undefined) return last
    const found = { user, password }
    if (last?.password !== found.password) seen.push({ at: performance.now(), ...found })
    return found
  }
  const lagging = (): { readonly user: string; readonly password: string } => {
    loaded()
    return seen.findLast(({ at }) => performance.now() - at > 1000) ?? loaded()
  }
  const work = async (which: typeof loaded): Promise<void> => {
    while (going) {
      const { user, password } = which()
      const answer = await login(pooler, user, password)
      logins++
      users.add(user)
      if (answer !== "in") refused.push(`${user}: ${answer}`)
      await Bun.sleep(20)
    }
  }
  const all = Promise.all([work(loaded), work(lagging)])
  const stop = async (): Promise<void> => {
    going = false
    await all
  }
  return {
    refused,
    users,
    get logins() {
      return logins
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
