import { rmSync } from "node:fs"
import { join } from "node:path"
import type { Held } from "../../../test/support/shop-services.ts"
import { strace } from "../../../test/support/tracing.ts"
import { exits, turnExits } from "../judge.ts"
import { type Lane, folders, turn, unlessLate } from "../lane.ts"
import { Disk } from "./disk.ts"
import { type Logged, readPowerLog, tracedForPower } from "./log.ts"
import { layOut } from "./lay-out.ts"
import { type Stages, stagesAt, stagesOf } from "./stages.ts"
import type { Watch } from "./watch.ts"

/** A run that was logged: its disk, its services, and the instants at which the power may go. */
export type Recorded = {
  readonly disk: Disk
  readonly stages: readonly Stages[]
  readonly logged: readonly Logged[]
  readonly instants: readonly number[]
  /** Right after a file was renamed, and before its folder was synced. */
  readonly renames: readonly number[]
  readonly message: (instant: number) => string
}

export type Watched = { readonly lane: Lane; readonly watch: Watch }

/** The commands of the scenario, undisturbed. */
export async function record({ lane, watch }: Watched): Promise<Recorded> {
  const { scenario, commands } = lane
  const ends = exits[scenario.rest]
  const steps = commands.map((args) => ({ args, ends: args === scenario.args ? ends : [0] }))
  let disk: Disk | undefined
  const run = await traced({ lane, watch }, steps, async () => {
    await lane.reset()
    disk = new Disk(lane.shop.project.root, folders)
    return 0
  })
  return recorded({ lane, watch }, required(disk), run)
}

/**
 * What comes after `first` was killed at `instant`: the service, or the same command where it alone
 * finishes. What was not synced then is not synced now.
 */
export async function recordAfterKill(
  { lane, watch }: Watched,
  first: Recorded,
  instant: number,
): Promise<Recorded> {
  const { scenario } = lane
  const step = ["adopted", "deleted"].includes(scenario.rest)
    ? { args: scenario.args, ends: exits[scenario.rest] }
    : { args: turn, ends: turnExits(scenario) }
  const run = await traced({ lane, watch }, [step], async () => {
    await layOut(lane, {
      run: first,
      laid: first.disk.after(instant, "all"),
      stages: first.stages.map((stage) => stagesAt(stage, instant).least),
    })
    return instant
  })
  // It has lasted as far as it had in `first`: the same base, then what was done until the kill,
  // then what is done now.
  const one = recorded({ lane, watch }, first.disk.until(instant), run)
  return {
    ...one,
    instants: one.instants.filter((at) => at > instant),
    message: (at) => `killed ${first.message(instant)}, then ${one.message(at)}`,
  }
}

type Step = { readonly args: readonly string[]; readonly ends: readonly number[] }
type Run = {
  readonly logged: readonly Logged[]
  /** For each holder, before the run and after each order. */
  readonly held: readonly (readonly Held[])[]
}

/** Runs these commands, from where `reset` has laid all out; it tells the instant from which to count. */
async function traced(
  { lane, watch }: Watched,
  steps: readonly Step[],
  reset: () => Promise<number>,
): Promise<Run> {
  const attempt = async (): Promise<Run | string> => {
    let since = (await reset()) + 1
    await watch.begin()
    const logged: Logged[] = []
    for (const { args, ends } of steps) {
      const { calls, unfit } = await tracedOne(lane, args, ends)
      if (unfit !== undefined) return unfit
      logged.push(
        ...calls.map((one) => ({
          ...one,
          entered: one.entered + since,
          returned: one.returned + since,
        })),
      )
      since = (logged.at(-1)?.returned ?? since) + 1
    }
    return { logged, held: await watch.end() }
  }
  const run = await unlessLate(lane, attempt, (done) => typeof done !== "string")
  if (typeof run === "string") throw new Error(`${lane.scenario.name} cannot be recorded: ${run}`)
  return run
}

/** `unfit`: it ended in another way than the scenario means, so nothing can be judged by it. */
async function tracedOne(
  lane: Lane,
  args: readonly string[],
  ends: readonly number[],
): Promise<{ readonly calls: readonly Logged[]; readonly unfit?: string }> {
  const { root } = lane.shop.project
  const log = join(root, "power.log")
  const how = ["--seccomp-bpf", "-y", "-Y", "-xx", "-s", "4194304", "-o", log]
  const { code, signal, ms, stdout, stderr } = await lane.call(
    args,
    strace(...how, "-e", `trace=${tracedForPower}`),
  )
  if (code === undefined || !ends.includes(code)) {
    const end = `${args[0]} ended with ${code ?? signal} after ${Math.round(ms / 1000)} s`
    return { calls: [], unfit: `${end}, not with ${ends.join(" or ")}: ${stdout}${stderr}` }
  }
  const calls = readPowerLog(log, root)
  rmSync(log)
  return { calls }
}

function recorded({ lane, watch }: Watched, disk: Disk, { logged, held }: Run): Recorded {
  const { root } = lane.shop.project
  disk.replay(logged)
  return {
    disk,
    stages: watch.names.map((name, index) => stagesOf(name, logged, held[index] ?? [])),
    logged,
    instants: disk.instants,
    renames: logged.filter(({ kind }) => kind === "rename").map(({ returned }) => returned),
    message: (instant) => sayInstant(logged, root, instant),
  }
}

function required(disk: Disk | undefined): Disk {
  if (disk === undefined) throw new Error("nothing was laid out")
  return disk
}

function sayInstant(logged: readonly Logged[], root: string, instant: number): string {
  const last = logged.findLast(
    ({ kind, returned }) => kind !== "say" && kind !== "hear" && returned <= instant,
  )
  return last === undefined || last.kind === "say" || last.kind === "hear"
    ? "at the beginning"
    : `after ${last.kind} ${last.path.slice(root.length + 1)} (${instant})`
}
