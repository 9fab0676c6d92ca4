import { randomBytes } from "node:crypto"
import { afterAll, beforeAll, expect, test } from "bun:test"
import { type Project, layOut } from "../support/mycelium.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { login } from "../support/login.ts"
import { SmallDisk, whyNoDisk } from "../support/small-disk.ts"

/**
 * Two roles in one file, on a way back that cannot be gone: a person has changed one of them
 * meanwhile, or the file cannot be written. The other one is left as it is, so that what the file
 * shows works.
 */

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

type Two = AsyncDisposable & { readonly project: Project; readonly roles: readonly string[] }

/** The file lies in "out"; the restart of its program does what `hook` says, and fails. */
async function openTwo(make: (project: Project) => void, ...hook: readonly string[]): Promise<Two> {
  const project = await layOut()
  const roles = ["one", "two"].map((name) => `${name}_${randomBytes(4).toString("hex")}`)
  const old = (role: string): string => `Old-of-${role}.0123456789`
  for (const role of roles) await server.sql(`create role ${role} login password '${old(role)}'`)
  make(project)
  project.write("out/.env", roles.map((role, index) => `PASSWORD_${index}=${old(role)}\n`).join(""))
  project.script(
    "restart-api",
    ...hook.map((line) => line.replace("ROLE", roles[0] ?? "")),
    "exit 3",
  )
  project.configure({
    project: "shop",
    environments: {
      production: {
        rotate_every: "90d",
        secrets: Object.fromEntries(
          roles.map((role, index) => [
            `s${index}`,
            { driver: "postgres", address: `postgresql://127.0.0.1:${server.port}/postgres`, role },
          ]),
        ),
        outputs: [
          {
            dotenv: "out/.env",
            merge: true,
            variables: Object.fromEntries(
              roles.map((_, index) => [`PASSWORD_${index}`, `{{ s${index}.password }}`]),
            ),
          },
        ],
        deployments: { api: { command: ["./restart-api"], reads: ["out/.env"] } },
      },
    },
  })
  for (const args of [["init"], ["adopt", "production"]]) {
    const ran = await project.mycelium(args)
    if (ran.code !== 0) throw new Error(ran.stdout + ran.stderr)
  }
  return { project, roles, [Symbol.asyncDispose]: () => project[Symbol.asyncDispose]() }
}

function shownLogin({ project, roles }: Two, index: number): Promise<string> {
  return login(server, roles[index] ?? "", project.variable(`PASSWORD_${index}`, "out/.env"))
}

test("a person has changed one of them: the other one is not put back beside it", async () => {
  await using two = await openTwo(
    () => undefined,
    "test -e changed || touch asked",
    "while test ! -e changed; do sleep 0.05; done",
  )
  const running = two.project.mycelium(["rotate-now", "production"])
  while (!two.project.has("asked")) await Bun.sleep(20)
  await server.sql(`alter role ${two.roles[0]} password 'Set-by-a-person.1'`)
  two.project.write("changed", "")
  const ran = await running
  expect(ran.code).toBe(7)
  expect(ran.stdout).toContain("production/s0: STUCK")
  expect(ran.stdout).toContain(
    "shows it beside s0, which cannot go back yet; so its service is left as it is (waits-for-another)",
  )
  expect(await shownLogin(two, 1)).toBe("in")
  // Nothing is asked again and again that only a person can answer.
  expect(ran.ms).toBeLessThan(20_000)
}, 60_000)

test.skipIf(whyNoDisk !== undefined)(
  `its disk takes no writes: the services keep what it shows (${whyNoDisk ?? "a tmpfs"})`,
  async () => {
    let disk: SmallDisk | undefined
    await using two = await openTwo(
      (project) => (disk = new SmallDisk(project.path("out"))),
      "mount -o remount,ro out",
    )
    using small = disk as unknown as SmallDisk
    const ran = await two.project.mycelium(["rotate-now", "production"])
    expect(ran.code).toBe(7)
    expect(ran.stdout).toContain("it cannot go back yet, so its service is left as it is")
    expect(ran.stderr).not.toContain("its former content")
    expect([await shownLogin(two, 0), await shownLogin(two, 1)]).toEqual(["in", "in"])
    small.writable()
    const again = await two.project.mycelium(["run", "--once"])
    expect(again.stdout + again.stderr).toContain("its former content")
    expect([await shownLogin(two, 0), await shownLogin(two, 1)]).toEqual(["in", "in"])
  },
  60_000,
)
