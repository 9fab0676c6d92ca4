import { expect, test } from "bun:test"
import { type Ran, binary } from "../support/mycelium.ts"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { type Config, type Shop, configOf, openShop } from "../support/shop.ts"
import { until } from "../support/until.ts"

const servers = serversOfFile({ postgres: startPostgres })

/** A rotation was killed while api restarted, and goes back; api stays unhealthy after that. */
async function killed(shop: Shop): Promise<void> {
  const { project } = shop
  await shop.adopt()
  // Overdue: a run of the service rotates it by itself.
  if (shop.options.two) await shop.run("adopt", "production", "--rotated-at", "2020-01-01")
  project.script("restart-api", "touch begun", "exec sleep 600")
  const child = Bun.spawn([binary, "rotate-now", "production/postgres"], {
    cwd: project.folder,
    env: { ...project.environment },
    stdio: ["ignore", "ignore", "ignore"],
  })
  await until("the restart to begin", () => project.has("begun"), 30_000)
  child.kill("SIGKILL")
  await child.exited
  project.script("restart-api", "exit 1")
}

const wentBack = "production/postgres: went back to the old value"

const commands = [
  ["adopt", "production"],
  ["reconcile", "production"],
  ["render", "production"],
  ["delete", "production/postgres", "--yes"],
]
for (const command of commands)
  test.concurrent(`a killed rotation that ${command[0]} ends first, and that leaves a program unhealthy, is said: exit 7`, async () => {
    await using shop = await openShop(servers.postgres, { admin: true })
    await killed(shop)
    const ran = await shop.run(...command)
    expect([ran.code, ran.stdout]).toEqual([7, expect.stringContaining("(back-unhealthy)")])
    expect(ran.stdout).toContain(wentBack)
  }, 90_000)

/** Of today's config: the rotation that was killed has its own. */
function withOutputInNoFolder(config: Config): Config {
  const { production } = config.environments as unknown as {
    readonly production: { readonly outputs: object[] }
  }
  production.outputs.push({ json: "no-folder/a.json", variables: { a: "{{ postgres.password }}" } })
  return config
}

/** An output that cannot be read. */
function withOutputOfFolder(config: Config): Config {
  const { production } = config.environments
  const outputs = [{ dotenv: ".", merge: true, variables: { P: "{{ postgres.password }}" } }]
  return { ...config, environments: { production: { ...production, outputs, deployments: {} } } }
}

const failing: readonly (readonly [readonly string[], ((config: Config) => Config)?])[] = [
  [["adopt", "production"], withOutputOfFolder],
  [["reconcile", "production", "--gone", "nosuch"]],
  [["render", "production"], withOutputInNoFolder],
  [["render", "production", "--json"], withOutputInNoFolder],
  [["delete", "production/nosuch", "--yes"]],
  [["exec", "production", "--from", "nosuch.env", "--", "true"]],
]
for (const [args, changed] of failing)
  test.concurrent(`what ${args.join(" ")} ended first is said though its own act fails then: exit 7`, async () => {
    await using shop = await openShop(servers.postgres, {})
    await killed(shop)
    if (changed !== undefined) shop.project.configure(changed(configOf(shop)))
    const ran = await shop.run(...args)
    expect([ran.code, saidBy(ran, args)]).toEqual([7, expect.stringContaining(wentBack)])
    expect(saidBy(ran, args)).toContain("(back-unhealthy)")
    expect(ran.stderr).toContain("mycelium: ")
  }, 90_000)

/** Of exec, stdout is the program's; with --json it is the document's. */
function saidBy({ stdout, stderr }: Ran, args: readonly string[]): string {
  return args[0] === "exec" || args.includes("--json") ? stderr : stdout
}

const signalled = [
  ["rotate-now", "production"],
  ["rotate-now", "production", "--contain", "--yes"],
  ["run", "--once"],
]
for (const args of signalled)
  test.concurrent(`what ${args.join(" ")} ended first is said though a signal ends its own act: exit 7`, async () => {
    await using shop = await openShop(servers.postgres, { two: true })
    const { project } = shop
    await killed(shop)
    project.script("health-web", "touch asked", "exec sleep 600")
    const child = Bun.spawn([binary, ...args], {
      cwd: project.folder,
      env: { ...project.environment },
      stdio: ["ignore", "pipe", "pipe"],
    })
    const said = Promise.all([child.stdout.text(), child.stderr.text()])
    await until("the health to be asked", () => project.has("asked"), 30_000)
    child.kill("SIGTERM")
    const text = (await said).join("")
    await child.exited
    expect([child.exitCode, text]).toEqual([7, expect.stringContaining("back-unhealthy")])
    expect(text).toContain("interrupted")
  }, 90_000)

test.concurrent("exec says what it ended first, and runs the program all the same", async () => {
  await using shop = await openShop(servers.postgres, {})
  await killed(shop)
  const ran = await shop.run("exec", "production", "--", "sh", "-c", "echo ran; exit 3")
  expect([ran.code, ran.stdout]).toEqual([3, "ran\n"])
  expect(ran.stderr).toContain(wentBack)
  expect(ran.stderr).toContain("(back-unhealthy)")
}, 60_000)
