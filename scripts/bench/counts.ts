import { existsSync } from "node:fs"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { adopt } from "../../src/repair/adopt.ts"
import { rotateNow } from "../../src/app/rotate-now.ts"
import { startPostgres } from "../../test/support/servers/postgres.ts"
import { startRedis } from "../../test/support/servers/redis.ts"
import { type Service, writeAdmin } from "./a-program.ts"
import { bareRotation } from "./bare.ts"
import type { Row } from "./measure.ts"
import { openProject } from "./project.ts"
import { pairService, redisService, roleService } from "./services.ts"

/**
 * What a rotation asks of the machine, counted in the system calls of a process that makes many of
 * them (`strace`).
 */
const calls = ["fsync", "fdatasync", "rename", "connect", "execve"] as const
type Counts = Readonly<Record<(typeof calls)[number], number>>
type Order = {
  readonly how: "ours" | "bare"
  readonly rotations: number
  readonly service?: Service
}

/**
 * More than bare: the folders of the state and of the output. What a killed run had renamed there
 * must last before anything is built on it.
 */
const settled = 2
/** Stands in the log where counting begins, and where it ends. */
const mark = "/mycelium-bench-mark"

/** None where there is no strace. */
export async function countRows(rotations: number): Promise<readonly Row[]> {
  if (Bun.which("strace") === null) return []
  await using postgres = await startPostgres({})
  await using redis = await startRedis()
  const kinds: readonly (readonly [string, Service | undefined])[] = [
    ["generated", undefined],
    ["postgres, one role", await roleService(postgres, "counted")],
    ["postgres, a pair", await pairService(postgres, "counted", "0s")],
    ["redis", await redisService(redis, "counted", "0s")],
  ]
  const rows: Row[] = []
  for (const [name, service] of kinds) {
    const ours = await counted({
      how: "ours",
      rotations,
      ...(service === undefined ? {} : { service }),
    })
    const bare = await counted({
      how: "bare",
      rotations,
      ...(service === undefined ? {} : { service }),
    })
    const syncs = (counts: Counts): number => Math.round(counts.fsync + counts.fdatasync)
    const say = (counts: Counts): string =>
      `${syncs(counts)} syncs, ${Math.round(counts.rename)} renames, ` +
      `${Math.round(counts.connect)} connections, ${Math.round(counts.execve)} programs`
    rows.push({
      row: `counted: ${name}`,
      ours: say(ours),
      limit: `${syncs(bare)} syncs, ${Math.round(bare.rename)} renames`,
      ratio: syncs(ours) / syncs(bare),
      aim: `<= bare + ${settled} syncs`,
      met: syncs(ours) <= syncs(bare) + settled,
      note: `of one rotation and its revoke; mean of ${rotations}`,
    })
  }
  return rows
}

async function counted(order: Order): Promise<Counts> {
  const folder = await mkdtemp(join(tmpdir(), "mycelium-bench-"))
  try {
    const log = join(folder, "log")
    await writeFile(join(folder, "order"), JSON.stringify(order), { mode: 0o600 })
    const { exitCode, stderr } = Bun.spawnSync(
      [
        "strace",
        "-f",
        "-qq",
        "-o",
        log,
        "-e",
        `trace=${calls.join()},access`,
        process.execPath,
        import.meta.path,
        join(folder, "order"),
      ],
      { stdin: "ignore", stdout: "ignore", stderr: "pipe" },
    )
    if (exitCode !== 0)
      throw new Error(
        `the rotations that are counted did not end well: ${stderr.toString().slice(-300)}`,
      )
    const [, between = ""] = (await readFile(log, "utf8")).split(mark)
    const count = (call: string): number =>
      between.match(new RegExp(`^\\d+ +${call}\\(`, "gm"))?.length ?? 0
    return Object.fromEntries(calls.map((call) => [call, count(call) / order.rotations])) as Counts
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** The process whose calls are counted. */
async function rotations({ how, rotations: count, service }: Order): Promise<void> {
  const secret =
    service === undefined ? "generated" : `{ driver: ${service.kind}, ${service.options} }`
  const user = service === undefined ? "" : 'USER: "{{ it.user }}", '
  await using project = await openProject(
    () =>
      "environments:\n  " +
      `one: { rotate_every: never, secrets: { it: ${secret} }, outputs: [{ dotenv: ` +
      `one.env, merge: true, variables: { ${user}PASSWORD: "{{ it.password }}" } }] }\n`,
  )
  const { app, folder } = project
  const patience = { skipGrace: false, waitMs: 5000 } as const
  if (service !== undefined && how === "ours") {
    await writeAdmin(folder, service)
    await writeFile(
      join(folder, "one.env"),
      `USER=${service.login.user}\nPASSWORD=${service.login.password}\n`,
      { mode: 0o600 },
    )
    if ((await adopt(app, "one"))["it"]?.kind !== "adopted") throw new Error("not adopted")
  } else if (how === "ours") await rotateNow(app, "one", { why: "new", ...patience })
  const act = async (): Promise<void> => {
    if (how === "bare") return bareRotation(app, folder, { revokes: service !== undefined })
    const { outcomes } = await rotateNow(app, "one", { why: "asked", ...patience })
    if (outcomes["it"]?.kind !== "rotated")
      throw new Error(`not rotated: ${JSON.stringify(outcomes)}`)
  }
  for (let warm = 0; warm < 3; warm++) await act()
  existsSync(mark)
  for (let done = 0; done < count; done++) await act()
  existsSync(mark)
}

if (import.meta.main) {
  await rotations(JSON.parse(await readFile(process.argv[2] ?? "", "utf8")) as Order)
  process.exit(0)
}
