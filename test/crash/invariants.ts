import { openSets } from "../../src/core/change-set.ts"
import { entryId, foreignKey } from "./manager.ts"
import { names, type World } from "./world.ts"

/** What must hold in the simulated world: at every instant, and at rest. */

/** A value that a person sets at the service, of which Mycelium is not told. */
export const byAPerson = "set by a person"

/** What must hold at every instant, also in the middle: a credential that works is on disk. */
export function lost(world: World): readonly string[] {
  // A value that Mycelium was never told need not be kept, until it is overwritten.
  return names
    .filter(
      (name) =>
        !(world.unknown && world.holdsFirst(name)) &&
        !(name === "one" && world.one === byAPerson) &&
        !world.versions(name).some(({ credential }) => world.accepts(name, credential)),
    )
    .map((name) => `LOST ${name}`)
}

/** No value that was handed to a service is erased. */
export function erased(world: World): readonly string[] {
  return names.flatMap((name) =>
    [...(world.everHanded[name] ?? [])]
      .filter((value) => !world.versions(name).some(({ version }) => version.sealed === value))
      .map(() => `ERASED a value of ${name}`),
  )
}

/**
 * What must hold at rest: no journal, nothing owed, exactly one live value, equal to what every
 * output and program shows.
 */
export function unrest(world: World): readonly string[] {
  const faults = [...lost(world), ...erased(world)]
  for (const target of world.undeclared)
    faults.push(`a restart without ${target}, which no journal said before`)
  for (const place of world.spoiled)
    faults.push(`${place} showed a value that works, and then one that does not`)
  for (const place of world.cutReaders)
    faults.push(`${place} was taken away while a reader of the entry could have it`)
  faults.push(...strayed(world))
  if (openSets(world.stored).length > 0) faults.push("a journal is open")
  if (world.dual.size !== 1) faults.push(`dual accepts ${world.dual.size}`)
  if (Object.values(world.pair).filter((value) => value !== "").length !== 1)
    faults.push("both of the pair are live")
  for (const name of names) {
    const current = world.versions(name).filter(({ version }) => version.stage.kind === "current")
    const [one] = current
    if (one === undefined || current.length !== 1)
      faults.push(`${name} has ${current.length} current versions`)
    else {
      if (!world.accepts(name, one.credential)) faults.push(`current of ${name} is dead`)
      const shown = `${one.version.clear["user"] ?? ""}:${one.version.sealed}`
      for (const [place, values] of [
        ...Object.entries(world.manager === undefined ? {} : { [entryId]: world.manager.content }),
        ...Object.entries(world.files),
        ...Object.entries(world.programs),
      ]) {
        if (values[name] !== undefined && values[name] !== shown && !isOwed(world, name, place))
          faults.push(`${place} shows another ${name}`)
      }
    }
    for (const { version } of world.versions(name))
      if (["pending", "uncertain", "previous"].includes(version.stage.kind))
        faults.push(`${name} ${version.id} is left ${version.stage.kind}`)
  }
  for (const [name, kind] of world.late)
    if (kind !== "over") faults.push(`a login of ${name} that was under way is ${kind}`)
  world.log.forEach((line, index) => {
    if ((JSON.parse(line) as { n: number }).n !== index + 1) faults.push("the log has a gap")
  })
  return faults
}

/** Programs on this machine that hold a value which their service refuses. */
export function cutOff(world: World): readonly string[] {
  return Object.entries(world.programs).flatMap(([program, values]) =>
    names
      .filter((name) => values[name] !== undefined && !world.takes(name, values[name]))
      .filter((name) => !isOwed(world, name, program))
      .map((name) => `${program} holds a dead ${name}`),
  )
}

/** What must not be left at the manager. */
function strayed({ manager, fault }: World): readonly string[] {
  if (manager === undefined) return []
  const others = manager.others === 0 ? undefined : `o${manager.others}`
  return [
    ...(manager.content[foreignKey] === others ? [] : ["a write of another program is lost"]),
    ...(manager.staged.length === 0 || fault.manager?.silent !== undefined
      ? []
      : ["something staged is left at the manager"]),
  ]
}

/** The state says that this output, or this program, does not show the current value. */
function isOwed(world: World, name: string, place: string): boolean {
  const owed = world.stored.secrets[name]?.unwritten
  return owed !== undefined && (place in owed.outputs || owed.programs.includes(place))
}

/** What the state still owes and should not. */
export function owed(world: World): readonly string[] {
  return names.flatMap((name) =>
    world.stored.secrets[name]?.unwritten === undefined ? [] : [`${name} owes an output`],
  )
}
