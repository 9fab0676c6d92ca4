import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { cronWith } from "./cron.ts"
import { type Many, manyEnvironments } from "./many.ts"
import type { Row } from "./measure.ts"
import { compiled } from "./start.ts"
import { type Idle, watchIdle } from "./watch.ts"

/**
 * The service with many environments while nothing is due, beside one timer alone, and beside a
 * live croner job each.
 */
export async function idleRows(
  root: string,
  how: { readonly environments: number; readonly settleMs: number; readonly watchMs: number },
): Promise<readonly Row[]> {
  const { environments } = how
  const folder = await mkdtemp(join(tmpdir(), "mycelium-bench-"))
  try {
    await using many = await manyEnvironments(environments)
    const timer = await compiled(
      folder,
      "timer",
      `process.stdout.write("started\\n")\nsetInterval(() => {}, 60_000)\n`,
    )
    await writeFile(join(folder, "package.json"), "{}")
    const jobs = await compiled(
      folder,
      "jobs",
      `import { Cron } from ${JSON.stringify(join(root, "node_modules/croner"))}\n` +
        `for (let count = 0; count < ${environments}; count++) new Cron("0 3 1 1 *", ` +
        `{ timezone: "UTC" }, () => {})\n` +
        `process.stdout.write("started\\n")\n`,
    )
    const ours = await watchService(root, environments, how, many)
    const alone = await watchOne([timer], /started/, how)
    const live = await watchOne([jobs], /started/, how)
    const cron = await cronWith(environments, folder)
    const lines = "why" in cron ? undefined : await watchOne(cron.argv, /started/, how, cron)
    const seconds = how.watchMs / 1000
    const say = (idle: Idle): string =>
      `${idle.rssMiB.toFixed(0)} MiB, ${idle.wakeUpsAMinute} wake-ups and ${idle.cpuMsAMinute} ms a minute`
    const common = {
      limit: `${say(alone)}: one timer`,
      peer:
        `${say(live)}: ${environments} croner jobs; ` +
        `${lines === undefined ? `no cron here: ${"why" in cron ? cron.why : ""}` : `${say(lines)}: ${environments} lines of Debian's cron`}`,
    }
    return [
      {
        row: `idle, ${environments} environments: memory`,
        ours: `${ours.rssMiB.toFixed(0)} MiB (peak ${ours.peakMiB.toFixed(0)} while it loads)`,
        ...common,
        ratio: ours.rssMiB / alone.rssMiB,
        aim: "<= 96 MiB",
        met: ours.rssMiB <= 96,
        note: `VmRSS after ${how.settleMs / 1000} s`,
      },
      {
        row: `idle, ${environments} environments: wake-ups`,
        ours: `${ours.wakeUpsAMinute} a minute, ${ours.cpuMsAMinute} ms CPU`,
        ...common,
        ratio: ours.wakeUpsAMinute / alone.wakeUpsAMinute,
        aim: "<= 120 a minute",
        met: ours.wakeUpsAMinute <= 120,
        note: `voluntary context switches of all threads in ${seconds} s`,
      },
    ]
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** The service with a number of environments. */
export function watchService(
  root: string,
  environments: number,
  how: { readonly settleMs: number; readonly watchMs: number },
  run: Pick<Many, "env">,
): Promise<Idle> {
  return watchOne(
    [join(root, "dist", "mycelium"), "run", "--json"],
    new RegExp(`"started","environments":${environments},`),
    how,
    run,
  )
}

/** Starts it, waits until it says so and has settled, and watches it. */
async function watchOne(
  argv: readonly string[],
  message: RegExp,
  how: { readonly settleMs: number; readonly watchMs: number },
  run?: Pick<Many, "env">,
): Promise<Idle> {
  const child = Bun.spawn([...argv], {
    env: run?.env ?? {},
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  })
  try {
    const { value } = await child.stdout.getReader().read()
    if (!message.test(new TextDecoder().decode(value))) throw new Error(`${argv[0]} did not start`)
    // Not a synchronisation: memory and timers of the runtime settle by themselves.
    await Bun.sleep(how.settleMs)
    const idle = await watchIdle(child.pid, how.watchMs)
    if (child.exitCode !== null) throw new Error(`${argv[0]} ended`)
    return idle
  } finally {
    child.kill("SIGKILL")
    await child.exited
  }
}
