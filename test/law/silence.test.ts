import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { randomBytes } from "node:crypto"
import { readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { below, modeOf, type Ran } from "../support/mycelium.ts"
import { watchProcesses } from "../support/process-watch.ts"
import { versionsOf } from "../support/sealed.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { type Shop, configOf, openShop } from "../support/shop.ts"
import { type Call, pathsIn, readStrace, threadsOf } from "../support/strace.ts"
import { cannotTrace, skippedUntraced, strace } from "../support/tracing.ts"

/**
 * A marked secret goes through everything that the binary can do with it, well and badly, and is
 * looked for everywhere afterwards.
 */

const marked = `Marked-${randomBytes(18).toString("hex")}.1`
/** Values that were never ours, but lie where the binary looks. */
const foreign = {
  drift: `Drifted-${randomBytes(12).toString("hex")}.1`,
  admin: `Admin-${randomBytes(12).toString("hex")}.1`,
  config: `Config-${randomBytes(12).toString("hex")}.1`,
}

let server: PostgresServer
let shop: Shop
let secrets: readonly string[] = []
let seen: { readonly text: string; readonly processes: number } = { text: "", processes: 0 }
const said: Ran[] = []
const calls: Call[] = []
/** Watching system calls doubles the time: what comes after makes no other kinds of files. */
let tired = false

const spies = [
  "tr '\\0' '\\n' < /proc/self/environ",
  "tr '\\0' '\\n' < /proc/$PPID/cmdline",
  "tr '\\0' '\\n' < /proc/$PPID/environ",
  "env",
  "set",
].map((command) => `${command} >> hook.saw 2>&1`)

beforeAll(async () => {
  server = await startPostgres()
  shop = await openShop(server, { two: true, old: marked, within: "5s" })
  const watch = await watchProcesses(shop.project.root)
  await everythingWell()
  await everythingBadly()
  secrets = [marked, ...Object.values(foreign), ...(await valuesOf())]
  seen = await watch.end()
}, 120_000)
afterAll(async () => {
  await shop[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

async function run(...args: readonly string[]): Promise<Ran> {
  const log = join(shop.project.root, "strace.log")
  const traced = cannotTrace === undefined && !tired
  const under = !traced
    ? []
    : strace(
        "-y",
        "-s",
        "0",
        "-o",
        log,
        "-e",
        "trace=openat,open,creat,mkdir,mkdirat,mknod,mknodat,chmod,fchmod,fchmodat,umask,clone,clone3",
      )
  const ran = await shop.project.mycelium(args, { under, env: { MYCELIUM_DEBUG: "stack" } })
  said.push(ran)
  if (traced) calls.push(...ours(readStrace(log)))
  return ran
}

function ours(all: readonly Call[]): readonly Call[] {
  const threads = threadsOf(all)
  return all.filter(({ pid }) => threads.has(pid))
}

async function everythingWell(): Promise<void> {
  const { project } = shop
  // A hook that sees whatever it can, and says all that it knows.
  project.script("restart-api", ...spies, "cat .env", "cat .env >&2", "cp .env api.loaded")
  for (const args of [["init"], ["adopt", "production"], ["adopt", "production", "--json"]])
    await run(...args)
  for (const args of [
    ["rotate-now", "production", "--dry-run"],
    ["rotate-now", "production"],
    ["rotate-now", "production", "--json"],
  ])
    expect((await run(...args)).code).toBe(0)
  for (const args of [
    ["status"],
    ["status", "--json"],
    ["plan"],
    ["check"],
    ["check", "--connect", "--json"],
    ["audit"],
    ["audit", "verify"],
    ["render", "production"],
    ["run", "--once"],
  ])
    await run(...args)
}

async function everythingBadly(): Promise<void> {
  const { project } = shop
  const env = project.read(".env")
  const config = project.read("mycelium.yaml")
  shop.sicken()
  expect((await run("rotate-now", "production")).code).toBe(1)
  project.script(
    "restart-api",
    ...spies,
    "cmp -s .env good.env && cp .env api.loaded && exit 0",
    "cat .env",
    "cat .env >&2",
    "exit 3",
  )
  expect((await run("rotate-now", "production", "--json")).code).toBe(1)
  tired = true

  await shop.setPassword(foreign.drift)
  expect((await run("rotate-now", "production")).code).not.toBe(0)
  await shop.setPassword(shop.shown)
  for (const line of [
    `POSTGRES_PASSWORD=${foreign.drift}`,
    `POSTGRES_PASSWORD="${foreign.drift}`,
    `POSTGRES_PASSWORD='${foreign.drift}`,
    `POSTGRES_PASSWORD=${foreign.drift}\nPOSTGRES_PASSWORD=${foreign.drift}x`,
    `POSTGRES_PASSWORD=$${foreign.drift}`,
  ]) {
    project.write(".env", env.replace(/^POSTGRES_PASSWORD=.*$/m, line))
    for (const command of ["adopt", "rotate-now", "render"]) await run(command, "production")
  }
  project.write(".env", env)
  project.write("api.loaded", env)

  for (const bad of [
    `project: shop\npassword: ${foreign.config}\n`,
    `project: "${foreign.config}\n`,
    `${foreign.config}: {{ x }}\n`,
    config.replace('"90d"', `"${foreign.config}"`),
    config.replace(/"role": "[^"]*"/, `"role": ["${foreign.config}"]`),
    config.replace("{{ postgres.password }}", `{{ postgres.password | ${foreign.config} }}`),
  ]) {
    project.configure(bad)
    for (const args of [["rotate-now", "production"], ["status", "--json"], ["check"]])
      await run(...args)
  }
  const secret = { admin: { user: server.superuser, password: { command: ["./admin"] } } }
  project.configure(configOf({ server, role: shop.role, options: { two: true, secret } }))
  project.script("admin", `echo '${foreign.admin}'; echo '${foreign.admin}' >&2`)
  expect((await run("rotate-now", "production/postgres")).code).toBe(1)
  project.script("admin", `echo '${foreign.admin}'; echo '${foreign.admin}' >&2; exit 1`)
  expect((await run("rotate-now", "production/postgres")).code).toBe(1)
  project.configure(config)
  await server.stop()
  expect((await run("rotate-now", "production/postgres")).code).not.toBe(0)
  await server.start()
}

async function valuesOf(): Promise<readonly string[]> {
  const versions = await Promise.all(
    ["postgres", "session_key"].map((name) => versionsOf(shop.project, name)),
  )
  return versions.flat().flatMap(({ password }) => password ?? [])
}

/** As it is, and as it looks through base64 (at each of its three offsets), hex, a URL, backwards. */
function guises(secret: string): readonly string[] {
  const base64 = [0, 1, 2].map((offset) =>
    Buffer.from(`${"x".repeat(offset)}${secret}`)
      .toString("base64")
      .slice(offset === 0 ? 0 : 4, -4),
  )
  return [
    secret,
    ...base64,
    Buffer.from(secret).toString("hex"),
    encodeURIComponent(secret),
    [...secret].reverse().join(""),
  ]
}

function found(text: string): readonly string[] {
  return secrets.filter((secret) => guises(secret).some((guise) => text.includes(guise)))
}

describe("no value is found", () => {
  test("in what the binary says, whatever happens", () => {
    expect(said.length).toBeGreaterThan(40)
    expect(secrets.length).toBeGreaterThan(8)
    for (const { stdout, stderr } of said) expect(found(`${stdout}${stderr}`)).toEqual([])
  })

  test("in the argument list or the environment of any process, ours or a hook", () => {
    expect(seen.processes).toBeGreaterThan(20)
    expect(found(seen.text)).toEqual([])
    const hooks = shop.project.read("hook.saw")
    expect(hooks).toContain("MYCELIUM_RUN=")
    expect(found(hooks)).toEqual([])
  })

  test("in any file but the outputs and the copies that the hooks made of them", () => {
    const shown = new Set(
      [".env", "session.env", "good.env", "api.loaded", "web.loaded", "admin"].map((name) =>
        shop.project.path(name),
      ),
    )
    const others = below(shop.project.root).filter((path) => !shown.has(path) && !isFolder(path))
    expect(others.length).toBeGreaterThan(8)
    expect(others.filter((path) => found(readFileSync(path, "latin1")).length > 0)).toEqual([])
    expect(found(readFileSync(shop.project.statePath(), "latin1"))).toEqual([])
    expect(found(shop.project.read(".env"))).toHaveLength(1)
  })
})

describe.skipIf(cannotTrace !== undefined)(
  `every file that the binary makes${skippedUntraced}`,
  () => {
    test("is private from its first instant", () => {
      const made = calls.filter(
        ({ name, args }) =>
          name === "creat" || (/^open(at)?$/.test(name) && args.includes("O_CREAT")),
      )
      expect(made.length).toBeGreaterThan(50)
      // With a umask of 077 no mode can open it to others; and none is asked for that would, save
      // by SQLite for a file that exists.
      expect(
        made
          .filter(({ args }) => !args.endsWith(", 0600"))
          .filter(
            ({ args }) =>
              !/production\.lock", .*, 0644$/.test(args) && !/keys\.lock", .*, 0644$/.test(args),
          )
          .map(({ args }) => args),
      ).toEqual([])
      expect(calls.filter(({ name }) => name === "umask").map(({ args }) => args)).toContain("077")
      expect(
        calls
          .filter(({ name }) => name.startsWith("mkdir"))
          .map(({ args }) => args)
          .filter((args) => !args.endsWith(", 0700")),
      ).toEqual([])
      expect(
        calls
          .filter(({ name }) => /^f?chmod/.test(name))
          .map(({ args }) => args)
          .filter((args) => !args.endsWith(", 0600")),
      ).toEqual([])
    })

    test("lies in the project, the store or beside the identity: nothing is written elsewhere", () => {
      const made = calls
        .filter(({ name, args }) => /^open(at)?$/.test(name) && args.includes("O_CREAT"))
        .flatMap(({ args }) => pathsIn(args).at(-1) ?? [])
      const places = [shop.project.folder, shop.project.store, join(shop.project.home, "config")]
      expect(made.filter((path) => !places.some((place) => path.startsWith(`${place}/`)))).toEqual(
        [],
      )
    })

    test("is private at the end", () => {
      const { project } = shop
      for (const path of [
        ...below(project.store),
        project.identityFile,
        project.path(".env"),
        project.path("session.env"),
      ])
        expect(`${path} ${modeOf(path)}`).toBe(`${path} ${isFolder(path) ? "0700" : "0600"}`)
    })
  },
)

function isFolder(path: string): boolean {
  return statSync(path).isDirectory()
}
