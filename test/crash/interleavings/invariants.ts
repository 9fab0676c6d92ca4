import { openSets } from "../../../src/core/change-set.ts"
import { type World, accepts, carryOut, shown, versionsOf } from "./world.ts"

/** What must hold. Each answers with what is wrong, in words; nothing where all is well. */

/**
 * Law i: at every instant, and whatever is under way lands or not, a credential that works is on
 * the disk.
 */
function lost(world: World): readonly string[] {
  return Object.keys(world.plan.members)
    .filter(
      (name) => !versionsOf(world, name).some((version) => accepts(world, name, shown(version))),
    )
    .map((name) => `i: no working credential of ${name} is on the disk`)
}

/**
 * Law iii: no value that was handed to a service, and so may be live, is erased; none that the
 * service accepts is held for dead.
 */
function erased(world: World): readonly string[] {
  return Object.keys(world.plan.members).flatMap((name) => {
    const versions = versionsOf(world, name)
    const gone = (world.handed[name] ?? []).filter(
      (entry) => !versions.some((version) => shown(version) === entry),
    )
    const living =
      world.plan.members[name]?.kind === "none"
        ? []
        : versions.filter(
            (version) => version.stage.kind === "retired" && accepts(world, name, shown(version)),
          )
    return [
      ...gone.map(() => `iii: a value of ${name} was erased`),
      ...living.map(({ id }) => `iii: ${name} ${id} is held for dead and lives`),
    ]
  })
}

/** Law iv: a change set that was on its way back never goes forward again. */
function turned({ stored, back }: World): readonly string[] {
  return openSets(stored).some(({ id, direction }) => direction === "forward" && back.includes(id))
    ? ["iv: from back to forward"]
    : []
}

/** At every state. */
export function always(world: World): readonly string[] {
  const faults = [...lost(world), ...erased(world), ...turned(world)]
  for (const flight of world.flights) {
    const landed = { ...world, live: { ...world.live } }
    carryOut(landed, flight)
    faults.push(
      ...lost(landed).map((fault) => `${fault}, once a late ${flight.act} of ${flight.name} lands`),
    )
  }
  return faults
}

/** Law ii: once a run is at rest, no output shows a value that was proven dead. */
export function atRest(world: World): readonly string[] {
  return Object.entries(world.files).flatMap(([target, values]) =>
    Object.entries(values).flatMap(([name, entry]) => {
      const version = versionsOf(world, name).find((one) => shown(one) === entry)
      if (version === undefined)
        return [`ii: ${target} shows a value of ${name} that is in no version`]
      return version.stage.kind === "retired"
        ? [`ii: ${target} shows ${name} ${version.id}, which is dead`]
        : []
    }),
  )
}

/** A program that could not be restarted on a way back is a person's to mend: then the state says so. */
function untold({ stored, excused }: World): readonly string[] {
  const isTold = Object.values(stored.secrets).some(({ retry }) => retry?.code === "back-unhealthy")
  return openSets(stored).length > 0 || isTold
    ? []
    : excused.map((name) => `v: ${name} was not restarted on the way back, and nothing says so`)
}

/**
 * Law v: in the end exactly one value lives, and every output and program holds it; nothing is
 * open, nothing is owed.
 */
export function inTheEnd(world: World): readonly string[] {
  const faults: string[] = [...untold(world)]
  const programs = Object.entries(world.programs).filter(([name]) => !world.excused.includes(name))
  for (const { direction } of openSets(world.stored))
    faults.push(`v: a journal is open, ${direction}`)
  for (const [name, { kind }] of Object.entries(world.plan.members)) {
    const versions = versionsOf(world, name)
    const current = versions.filter(({ stage }) => stage.kind === "current").map(shown)
    const [one = ""] = current
    if (current.length !== 1) faults.push(`v: ${name} has ${current.length} current versions`)
    if (kind !== "none" && JSON.stringify(world.live[name]) !== JSON.stringify([one]))
      faults.push(
        `v: ${name} accepts ${world.live[name]?.length} values, or another than the current one`,
      )
    for (const [place, values] of [...Object.entries(world.files), ...programs])
      if (values[name] !== undefined && values[name] !== one)
        faults.push(`v: ${place} holds another ${name}`)
    for (const { id, stage } of versions)
      if (stage.kind !== "current" && stage.kind !== "retired")
        faults.push(`v: ${name} ${id} is left ${stage.kind}`)
  }
  world.log.forEach((line, index) => {
    if ((JSON.parse(line) as { readonly n: number }).n !== index + 1)
      faults.push("v: the log has a gap")
  })
  return faults
}
