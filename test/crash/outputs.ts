import { AppError } from "../../src/base/error.ts"
import type { Draft, Output, Values } from "../../src/core/ports.ts"
import type { Process } from "./process.ts"
import { valueOf } from "./sealing.ts"
import type { WorldState } from "./world-state.ts"

/** The outputs of the simulated world: two files, and an entry if there is a secret manager. */

export function output(
  world: WorldState,
  process: Process,
  target: string,
  shows: readonly string[],
): Output {
  const show = (values: Values): Record<string, string> =>
    Object.fromEntries(
      shows.flatMap((name) =>
        values[name] === undefined
          ? []
          : [[name, `${String(values[name].fields["user"] ?? "")}:${valueOf(values[name])}`]],
      ),
    )
  const draft = (next: Record<string, string>): Draft => ({
    changed: JSON.stringify(next) !== JSON.stringify(world.files[target]),
    bytes: Buffer.from(JSON.stringify(next)),
    changes: Object.keys(next),
    commit: async () => {
      await process.instant()
      refuse(world, process, target, "rename")
      if (++world.outputWrites === world.fault.outputFails)
        throw new AppError("write-failed", "disk full", { remedy: "retry" })
      judgeRename(world, target, next)
      world.files[target] = next
      await process.instant()
    },
    discard: () => Promise.resolve(),
  })
  // Where no secret has a value yet, one text of all could not be made.
  const isApart = target === "/env/a" || world.unknown
  return {
    target,
    shows,
    ...(isApart ? { apart: true as const } : {}),
    read: () => {
      const shown = world.files[target]
      return Promise.resolve(shown === undefined ? undefined : Buffer.from(JSON.stringify(shown)))
    },
    prepare: async (values) => {
      refuse(world, process, target, "draft")
      const kept = isApart
        ? Object.entries(world.files[target] ?? {}).filter(([name]) => values[name] === undefined)
        : []
      return draft({ ...Object.fromEntries(kept), ...show(values) })
    },
    restore: async (before) => {
      refuse(world, process, target, "draft")
      return draft(
        before === undefined
          ? {}
          : (JSON.parse(Buffer.from(before).toString()) as Record<string, string>),
      )
    },
    compare: (values) =>
      Promise.resolve(
        JSON.stringify(show(values)) === JSON.stringify(world.files[target]) ? "same" : "differs",
      ),
    adopt: () => Promise.resolve({}),
    tidy: () => Promise.resolve(),
  }
}

export function entryOutput(world: WorldState, process: Process): readonly Output[] {
  const { manager } = world
  if (manager === undefined) return []
  const stages = manager.fault.stages ?? world.fault.manager?.stages
  manager.fault = { ...world.fault.manager, ...(stages === undefined ? {} : { stages }) }
  manager.ghostDelay = world.ghostDelay
  const templates = manager.shows.map((name) => [
    name,
    name === "pair" ? "{{ pair.user }}:{{ pair.password }}" : `:{{ ${name}.password }}`,
  ])
  const instants = {
    instant: () => process.instant(),
    dies: () => process.instants === process.cutAt,
  }
  const output = manager.output(
    Object.fromEntries(templates) as Record<string, string>,
    instants,
    () => world.time,
  )
  return [output]
}

/** The output is refused, as if a link were there, or a line had been edited. */
function refuse(
  world: WorldState,
  process: Process,
  target: string,
  act: "draft" | "rename",
): void {
  const { refuses } = world.fault
  if (++world.outputCalls < (refuses?.from ?? Number.POSITIVE_INFINITY)) return
  if (refuses?.target !== target || (refuses.renames === true && act === "draft")) return
  process.refused.add(target)
  throw new AppError("output-drift", "it was edited", { remedy: "ask-operator" })
}

/** A program may start and read a file at any time: no value in it may be replaced by a worse one. */
function judgeRename(
  world: WorldState,
  target: string,
  next: Readonly<Record<string, string>>,
): void {
  const works = (name: string, shown: string | undefined): boolean =>
    shown !== undefined && world.takes(name, shown)
  for (const [name, shown] of Object.entries(world.files[target] ?? {}))
    if (works(name, shown) && !works(name, next[name])) world.spoiled.push(`${target}: ${name}`)
}
