import { rmSync } from "node:fs"
import { join } from "node:path"
import type { Held } from "../../../test/support/shop-services.ts"
import { strace } from "../../../test/support/tracing.ts"
import { type Lane, folders } from "../lane.ts"
import { Disk } from "./disk.ts"
import { type Logged, readPowerLog, tracedForPower } from "./log.ts"
import { layOut } from "./power.ts"
import { type Stages, stagesAt, stagesOf } from "./stages.ts"

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

/** The commands of the scenario, undisturbed. */
export async function record(lane: Lane): Promise<Recorded> {
  await lane.reset()
  const disk = new Disk(lane.shop.project.root, folders)
  const run = await traced(lane, lane.commands, 0)
  disk.replay(run.logged)
  return recorded(lane, disk, run, run.logged)
}

/** What comes after `first` was killed at `instant`: the service, or the same command where it alone finishes. What was not synced then is not synced now. */
export async function recordAfterKill(
  lane: Lane,
  first: Recorded,
  instant: number,
): Promise<Recorded> {
  await layOut(lane, {
    run: first,
    laid: first.disk.after(instant, "all"),
    stages: first.stages.map((stage) => stagesAt(stage, instant).least),
  })
  // It has lasted as far as it had in `first`: the same base, then what was done until the kill, then what is done now.
  const disk = first.disk.until(instant)
  const finish = ["adopted", "deleted"].includes(lane.scenario.rest)
    ? lane.scenario.args
    : ["run", "--once", "--json"]
  const run = await traced(lane, [finish], instant)
  disk.replay(run.logged)
  const one = recorded(lane, disk, run, run.logged)
  return {
    ...one,
    instants: one.instants.filter((at) => at > instant),
    message: (at) => `killed ${first.message(instant)}, then ${one.message(at)}`,
  }
}

type Run = {
  readonly logged: readonly Logged[]
  readonly before: readonly Held[]
  readonly between: readonly Held[] | undefined
  readonly after: readonly Held[]
}

async function traced(
  lane: Lane,
  commands: readonly (readonly string[])[],
  from: number,
): Promise<Run> {
  const { project } = lane.shop
  const before = await heldBy(lane)
  const meeting = meet(lane)
  const logged: Logged[] = []
  for (const args of commands) {
    const log = join(project.root, "power.log")
    const under = strace(
      "--seccomp-bpf",
      "-y",
      "-Y",
      "-xx",
      "-s",
      "4194304",
      "-o",
      log,
      "-e",
      `trace=${tracedForPower}`,
    )
    const ran = await project.mycelium(args, { under })
    if (ran.code === undefined) throw new Error(`${args[0]} did not end by itself: ${ran.stderr}`)
    const since = (logged.at(-1)?.returned ?? from) + 1
    logged.push(
      ...readPowerLog(log, project.root).map((one) => ({
        ...one,
        entered: one.entered + since,
        returned: one.returned + since,
      })),
    )
    rmSync(log)
  }
  const between = await meeting.stop()
  return { logged, before, between, after: await heldBy(lane) }
}

function recorded(
  { shop }: Lane,
  disk: Disk,
  { before, between, after }: Omit<Run, "logged">,
  logged: readonly Logged[],
): Recorded {
  const stages = shop.services.map((service, index) =>
    stagesOf(service, logged, {
      before: before[index] ?? {},
      between: between?.[index],
      after: after[index] ?? {},
    }),
  )
  const renames = logged.filter(({ kind }) => kind === "rename").map(({ returned }) => returned)
  return {
    disk,
    stages,
    logged,
    instants: disk.instants,
    renames,
    message: (instant) => sayInstant(logged, shop.project.root, instant),
  }
}

function heldBy({ shop }: Lane): Promise<readonly Held[]> {
  return Promise.all(shop.services.map((service) => service.held()))
}

/** The first hook that restarts a program waits until we have looked at what the services hold. */
function meet(lane: Lane): { readonly stop: () => Promise<readonly Held[] | undefined> } {
  const { project } = lane.shop
  const waits = "if [ -e hold ]; then mv hold held; while [ -e held ]; do sleep 0.01; done; fi"
  const [head = "", ...lines] = project.read("restart-api").trimEnd().split("\n")
  if (lines[0] !== waits) project.script("restart-api", waits, ...lines)
  if (!head.startsWith("#!")) throw new Error("the hook is no script")
  project.write("hold", "")
  let ended = false
  const watching = (async () => {
    while (!ended && !project.has("held")) await Bun.sleep(5)
    const held = ended ? undefined : await heldBy(lane)
    for (const name of ["hold", "held"]) rmSync(project.path(name), { force: true })
    return held
  })()
  return {
    stop: () => {
      ended = true
      return watching
    },
  }
}

function sayInstant(logged: readonly Logged[], root: string, instant: number): string {
  const last = logged.findLast(
    ({ kind, returned }) => kind !== "say" && kind !== "hear" && returned <= instant,
  )
  return last === undefined || last.kind === "say" || last.kind === "hear"
    ? "at the beginning"
    : `after ${last.kind} ${last.path.slice(root.length + 1)} (${instant})`
}
