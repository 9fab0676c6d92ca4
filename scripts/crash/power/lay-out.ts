import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"
import { type Lane, folders } from "../lane.ts"
import type { Laid } from "./disk.ts"
import type { Stages } from "./stages.ts"

export type Case = {
  readonly run: { readonly stages: readonly Stages[] }
  readonly laid: Laid
  /** How far each holder of a value has come. */
  readonly stages: readonly number[]
}

/**
 * The disk, the services and entries (unless they hold it already), and the programs, which load
 * their files when the machine starts.
 */
export async function layOut(lane: Lane, { run, laid, stages }: Case, hold = true): Promise<void> {
  const { project, options } = lane.shop
  const whole = join(project.root, "laid")
  laid.layOut(whole)
  for (const folder of folders) {
    rmSync(join(project.root, folder), { recursive: true, force: true })
    if (existsSync(join(whole, folder))) renameSync(join(whole, folder), join(project.root, folder))
    else mkdirSync(join(project.root, folder), { mode: 0o700 })
  }
  if (hold) await holdStages(lane, run.stages, stages)
  if (project.has(".env")) project.write("api.loaded", project.read(".env"))
  if (options.two === true && project.has("session.env"))
    project.write("web.loaded", project.read("session.env"))
}

async function holdStages(
  { shop }: Lane,
  all: readonly Stages[],
  reached: readonly number[],
): Promise<void> {
  for (const [index, holder] of shop.holders.entries())
    await holder.hold(all[index]?.held[reached[index] ?? 0] ?? {})
}
