import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { StateDocument } from "../../src/core/state.ts"
import { startPostgres } from "../../test/support/servers/postgres.ts"
import { startRedis } from "../../test/support/servers/redis.ts"
import { type Service, writeAdmin } from "./a-program.ts"
import { type Clients, withClients } from "./clients.ts"
import type { Row } from "./measure.ts"
import { pgbench } from "./pgbench.ts"
import { pairService, redisService } from "./services.ts"
import { run } from "./start.ts"

type How = {
  /** Each with a client of its own; side by side. */
  readonly environments: number
  /** Of each environment, one right after the other: the next begins when the old value is proven dead. */
  readonly rotations: number
  /** How long the rates with nothing rotating are measured. */
  readonly seconds: number
}

const grace = "1s"
/** Of the rate that is possible: what rotates beside the clients takes the rest of the machine. */
const least = 0.7

/**
 * Logins that fail while the binary rotates what clients log in with, and how fast those log in
 * meanwhile.
 */
export async function rotationRows(root: string, how: How): Promise<readonly Row[]> {
  return [await pairRow(root, how), await redisRow(root, how)]
}

/** Beside `pgbench -C`, right before, on the same server. */
async function pairRow(root: string, how: How): Promise<Row> {
  await using server = await startPostgres({})
  await using project = await binaryProject(root, how.environments, (name) =>
    pairService(server, name, grace),
  )
  const bare = await pgbench(server, project.first, {
    folder: project.folder,
    clients: how.environments,
    seconds: how.seconds,
  })
  const seen = await rotateAll(project, how)
  const failed = failuresOf(seen.during)
  const share = "why" in bare ? Number.NaN : rateOf(seen.during) / bare.rate
  return {
    ...rowOf("a pair", how, seen),
    limit: "why" in bare ? `no pgbench here: ${bare.why}` : `${Math.round(bare.rate)}/s pgbench -C`,
    ratio: share,
    aim: `0, at >= ${least} of pgbench -C`,
    met: failed === 0 && share >= least,
  }
}

/**
 * No program of Redis logs in anew each time without its password among its arguments, so there is
 * no rate but that of our own clients.
 */
async function redisRow(root: string, how: How): Promise<Row> {
  await using server = await startRedis()
  await using project = await binaryProject(root, how.environments, (name) =>
    redisService(server, name, grace),
  )
  const seen = await rotateAll(project, how)
  const failed = failuresOf(seen.during)
  return { ...rowOf("redis", how, seen), limit: "0", ratio: failed, aim: "0", met: failed === 0 }
}

function rowOf(
  name: string,
  how: How,
  { alone, during, seconds }: Seen,
): Pick<Row, "row" | "ours" | "note"> {
  const count = (how.environments * how.rotations).toLocaleString("en")
  const failed = failuresOf(during)
  return {
    row: `logins failing during ${count} rotations: ${name}`,
    ours:
      `${failed} of ` +
      `${during.logins + failed}${failed === 0 ? "" : ` (${JSON.stringify(during.failures)})`}, ` +
      `${Math.round(rateOf(during))}/s`,
    note:
      `${how.environments} environments and clients, each ${how.rotations} rotations in ` +
      `${Math.round(seconds)} s, grace ${grace}; each client was let in with each of its ` +
      `${how.rotations + 1} values; while nothing rotates ${Math.round(rateOf(alone))}/s`,
  }
}

function failuresOf({ failures }: Clients): number {
  return Object.values(failures).reduce((sum, one) => sum + one, 0)
}

function rateOf({ logins, seconds }: Clients): number {
  return logins / seconds
}

type Project = {
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  readonly binary: string
  readonly names: readonly string[]
  readonly first: Service
} & AsyncDisposable

/** For the binary: environments of one secret each, whose values it has adopted from their `.env`. */
async function binaryProject(
  root: string,
  environments: number,
  make: (name: string) => Promise<Service>,
): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), "mycelium-bench-"))
  const dispose = (): Promise<void> => rm(folder, { recursive: true })
  try {
    await chmod(folder, 0o700)
    const names = Array.from({ length: environments }, (_, index) => `e${index}`)
    const binary = join(root, "dist", "mycelium")
    const config = join(folder, "mycelium.yaml")
    const env = {
      XDG_CONFIG_HOME: join(folder, "config"),
      MYCELIUM_CONFIG: config,
      PATH: "/usr/bin:/bin",
    }
    let text = "project: bench\nstore: ./store\nrotate_every: never\nenvironments:\n"
    const services: Service[] = []
    for (const name of names) {
      const service = await make(name)
      services.push(service)
      await writeAdmin(folder, service)
      await writeFile(
        join(folder, `${name}.env`),
        `USER=${service.login.user}\nPASSWORD=${service.login.password}\n`,
        { mode: 0o600 },
      )
      text +=
        `  ${name}: { secrets: { it: { driver: ${service.kind}, ` +
        `${service.options} } }, outputs: [{ dotenv: ${name}.env, variables: { USER: ` +
        `"{{ it.user }}", PASSWORD: "{{ it.password }}" } }] }\n`
    }
    await writeFile(config, text, { mode: 0o600 })
    run([binary, "init", "--config", config], /^made .*identity/m, env)
    for (const name of names) run([binary, "adopt", name], /^/, env)
    const [first] = services
    if (first === undefined) throw new Error("there is no environment")
    return { folder, env, binary, names, first, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

type Seen = {
  readonly alone: Clients
  readonly during: Clients /** What the rotations took. */
  readonly seconds: number
}

/** First with nothing rotating, then with all. */
async function rotateAll(project: Project, how: How): Promise<Seen> {
  const { folder, names, first } = project
  const order = {
    service: first.kind,
    port: first.port,
    files: names.map((name) => join(folder, `${name}.env`)),
  }
  const alone = await withClients(order, () => Bun.sleep(how.seconds * 1000))
  let seconds = 0
  const during = await withClients(order, async () => {
    const began = performance.now()
    await Promise.all(names.map((name) => rotateOften(project, name, how.rotations)))
    seconds = (performance.now() - began) / 1000
  })
  for (const name of names) {
    const { secrets } = JSON.parse(
      await readFile(join(folder, "store", "secrets", "bench", `${name}.json`), "utf8"),
    ) as StateDocument
    const current = secrets["it"]?.versions.find(({ stage }) => stage.kind === "current")?.id
    if (current !== `v${how.rotations + 1}`)
      throw new Error(`${name} is at ${current}, not v${how.rotations + 1}`)
  }
  if (during.values.some((values) => values !== how.rotations + 1))
    throw new Error(
      `the clients were let in with ${during.values.join(", ")} values, not ${how.rotations + 1} each`,
    )
  return { alone, during, seconds }
}

/** Each waits for the grace, and proves the old value dead: exit 0 says so. */
async function rotateOften({ binary, env }: Project, name: string, count: number): Promise<void> {
  for (let done = 0; done < count; done++) {
    const child = Bun.spawn([binary, "rotate-now", name], {
      env,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    })
    const [out, err, code] = await Promise.all([
      child.stdout.text(),
      child.stderr.text(),
      child.exited,
    ])
    if (code !== 0 || !/: rotated, .*\n.*is revoked, its login is refused/.test(out))
      throw new Error(`${name} was not rotated (${code}): ${out.slice(0, 300)}${err.slice(0, 300)}`)
  }
}
