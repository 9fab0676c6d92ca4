import { describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { clientOf } from "../../../support/login.ts"
import { layOut, type Project } from "../../../support/mycelium.ts"
import { startPostgres } from "../../../support/servers/postgres.ts"
import { credential, passwordIn, soon } from "./harness.ts"
import { newPair, type Pair } from "./pair-harness.ts"
import { succeed } from "../../../support/one-secret.ts"

/**
 * The promise of a pair, kept by the binary and a real server: a program that logs in with what .env shows
 * is never refused.
 */

const rounds = { system: 50, newer: 5 } as const

describe.each(["system", "newer"] as const)("logins with what .env shows, %s server", (which) => {
  test(`no login fails in ${rounds[which]} rotations`, async () => {
    await using server = await startPostgres({ which })
    const pair = await newPair(server)
    await using project = await layOut()
    configure(project, pair)
    await succeed(project, "init")
    await succeed(project, "rotate-now", "production", "--new")
    const client = startClient(project, pair)
    const users = new Set<string>()
    for (let round = 0; round < rounds[which]; round++) {
      const old = credential("old", {
        user: project.variable("DB_USER"),
        password: project.variable("DB_PASSWORD"),
      })
      await succeed(project, "rotate-now", "production")
      users.add(project.variable("DB_USER"))
      expect(project.variable("DB_USER")).not.toBe(String(old.fields["user"]))
      // The one before is dead by the time the command ends.
      expect([
        await pair.open().probe(old, soon()),
        passwordIn(old) === project.variable("DB_PASSWORD"),
      ]).toEqual(["refused", false])
    }
    const { logins, failures, ms } = await client.stop()
    console.info(
      `${which}: ${logins} logins, ${Math.round((logins * 1000) / ms)} a second, ` +
        `${failures.length} failed, during ${rounds[which]} rotations in ` +
        `${Math.round(ms / 1000)} s`,
    )
    expect(failures).toEqual([])
    expect(users).toEqual(new Set([pair.blue, pair.green]))
    expect(logins).toBeGreaterThan(rounds[which] * 10)
  }, 400_000)

  test("a rotation that goes back leaves the login as it was, and takes the other role's password away", async () => {
    await using server = await startPostgres({ which })
    const pair = await newPair(server)
    await using project = await layOut()
    configure(project, pair)
    await succeed(project, "init")
    await succeed(project, "rotate-now", "production", "--new")
    const before = project.read(".env")
    project.write("good.env", before)
    project.script("health", "cmp -s loaded good.env")
    const client = startClient(project, pair)
    const { code, stderr } = await project.mycelium(["rotate-now", "production"])
    expect([code, stderr.includes("back")]).toEqual([1, true])
    expect((await client.stop()).failures).toEqual([])
    expect(project.read(".env")).toBe(before)
    expect(project.variable("DB_USER")).toBe(pair.blue)
    expect(await pair.stored(pair.green)).toBeNull()
  }, 60_000)
})

function configure(project: Project, pair: Pair): void {
  const { admin: _, ...options } = pair.options()
  project.write("admin.password", pair.adminPassword)
  project.script("restart", "cp .env loaded")
  project.script("health", "cmp -s .env loaded")
  project.write(".env", "PORT=8080\n")
  project.write("loaded", "PORT=8080\n")
  project.configure({
    project: "shop",
    environments: {
      production: {
        rotate_every: "90d",
        secrets: {
          postgres: {
            ...options,
            admin: { user: pair.rotator, password: { file: "admin.password" } },
            grace: "300ms",
          },
        },
        outputs: [
          {
            dotenv: ".env",
            merge: true,
            variables: { DB_USER: "{{ postgres.user }}", DB_PASSWORD: "{{ postgres.password }}" },
          },
        ],
        deployments: {
          api: { command: ["./restart"], healthy: { command: ["./health"], within: "2s" } },
        },
      },
    },
  })
}

type Tally = { readonly logins: number; readonly failures: readonly string[]; readonly ms: number }

/** Reads .env and logs in, four at a time, as fast as it can, and looks who it has become. */
function startClient(project: Project, pair: Pair): { stop(): Promise<Tally> } {
  const began = performance.now()
  const failures: string[] = []
  let logins = 0
  const stopped = new AbortController()
  const visit = async (): Promise<void> => {
    const env = new Map(
      readFileSync(project.path(".env"), "utf8")
        .split("\n")
        .map((line) => [line.split("=")[0] ?? "", line.slice(line.indexOf("=") + 1)] as const),
    )
    const client = clientOf(pair.server, env.get("DB_USER") ?? "", env.get("DB_PASSWORD") ?? "")
    try {
      const [row]: readonly { readonly now: string }[] = await client.unsafe(
        "select current_user as now",
      )
      if (row?.now !== pair.owner) failures.push(`became ${row?.now}`)
      logins++
    } catch (error) {
      failures.push(
        error instanceof Bun.SQL.PostgresError
          ? `${env.get("DB_USER")}: ${error.errno ?? error.code}`
          : String(error),
      )
    } finally {
      await client.close()
    }
  }
  const loops = Array.from({ length: 4 }, async () => {
    while (!stopped.signal.aborted) await visit()
  })
  return {
    stop: async () => {
      stopped.abort()
      await Promise.all(loops)
      return { logins, failures, ms: performance.now() - began }
    },
  }
}
