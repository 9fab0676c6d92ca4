import { AppError } from "../../src/base/error.ts"
import type { Credential, Driver, Probe } from "../../src/core/ports.ts"
import type { Name } from "./fault.ts"
import type { Process } from "./process.ts"
import { valueOf } from "./sealing.ts"
import type { WorldState } from "./world-state.ts"

/** The services of the simulated world, as their drivers see them. */

/** How long (ms) a login may be under way. */
export const lateMs = 61_000

/** One service, as one process calls it. */
type Call = { readonly world: WorldState; readonly process: Process; readonly name: Name }
/** What an apply was sent, and who may give it up. */
type Sent = { readonly next: Credential; readonly signal: AbortSignal }

export function driver(world: WorldState, process: Process, name: Name): Driver {
  const one: Call = { world, process, name }
  const overlap = ({ one: "one", gen: "none", pair: "both", dual: "both" } as const)[name]
  return {
    overlap,
    generate: (versions, text) =>
      name === "pair"
        ? {
            user: versions.current?.fields["user"] === "blue" ? "green" : "blue",
            password: text("password"),
          }
        : { password: text("password") },
    preflight: () => Promise.resolve([]),
    settle: async () =>
      call(one, () => {
        if (world.ghost?.name === name) world.ghost = undefined
        return true
      }),
    apply: async (next, _, signal) => {
      if (world.fault.policy === name && valueOf(next).startsWith("p"))
        throw new AppError("refused-by-policy", "no", { remedy: "give-up" })
      world.everHanded[name]?.add(valueOf(next))
      await call(one, () => take(world, name, next), { next, signal })
      if (world.fault.lostReply === name)
        throw new AppError("no-answer", "the reply was lost", { remedy: "retry" })
      return {}
    },
    probe: async (candidate): Promise<Probe> =>
      call(one, () => {
        const { unproven } = world.fault
        if (
          unproven?.name === name &&
          unproven.calls > 0 &&
          world.everHanded[name]?.has(valueOf(candidate)) === true
        ) {
          world.fault = { ...world.fault, unproven: { name, calls: unproven.calls - 1 } }
          throw new AppError("no-answer", "no answer", { remedy: "retry" })
        }
        if (world.fault.openDoor === name) return "accepted"
        return world.accepts(name, candidate) ? "accepted" : "refused"
      }),
    revoke: async (old, live) =>
      call(one, () => {
        judgeRevoke(world, name, old)
        if (name === "pair" && old.fields["user"] !== live.fields["user"])
          world.pair[String(old.fields["user"])] = ""
        if (name === "dual") world.dual.delete(valueOf(old))
        return { sessionsEnded: 0 }
      }),
    ...(world.expels
      ? {
          revokeOthers: (live: Credential) =>
            call(one, () => {
              if (world.late.get(name) === "in") world.late.set(name, "over")
              const underWay = { inMs: lateMs, mostMs: lateMs }
              return {
                ...leaveOnly(world, name, live),
                ...(world.late.get(name) === "under way" ? { underWay } : {}),
              }
            }),
        }
      : {}),
    ...(world.unknown || world.admin ? { deleteLogin: () => Promise.resolve() } : {}),
    describe: () => name,
  }
}

/** A call to a service: an instant before, the effect, an instant after. */
async function call<T>({ world, process, name }: Call, effect: () => T, apply?: Sent): Promise<T> {
  await process.instant()
  world.calls++
  landLate(world)
  const { silent } = world.fault
  if (silent?.name === name && silent.calls > 0) {
    world.fault = { ...world.fault, silent: { name, calls: silent.calls - 1 } }
    throw new AppError("no-answer", "no answer", { remedy: "retry" })
  }
  const goesOn = (countdown: number): void => {
    if (apply !== undefined) world.ghost = { name, next: apply.next, countdown }
  }
  if (apply !== undefined && world.ghostDelay > 0 && process.instants === process.cutAt) {
    // The process dies now; what it sent is still under way.
    goesOn(world.ghostDelay)
    await process.instant()
  }
  if (apply?.signal.aborted === true) {
    // Given up while under way: the server has it all the same.
    goesOn(2)
    throw new AppError("abandoned", "given up", { remedy: "retry" })
  }
  if (apply !== undefined && world.fault.slow?.name === name) {
    goesOn(world.fault.slow.calls)
    throw new AppError("timeout", "no answer in time", { remedy: "retry" })
  }
  const result = effect()
  await process.instant()
  return result
}

/** What a client that is gone had sent lands, once its time has come. */
function landLate(world: WorldState): void {
  if (world.ghost === undefined || --world.ghost.countdown > 0) return
  take(world, world.ghost.name, world.ghost.next)
  world.ghost = undefined
}

/** Readers keep what they have read for an hour: a revoke may not cut one off. */
function judgeRevoke(world: WorldState, name: Name, old: Credential): void {
  // An incident waits for no reader.
  if (world.manager === undefined || world.contained || !world.accepts(name, old)) return
  const shown = `${String(old.fields["user"] ?? "")}:${valueOf(old)}`
  if (world.manager.cached(name, world.time, 3_600_000).includes(shown))
    world.cutReaders.push(`${name} ${shown}`)
}

function leaveOnly(
  world: WorldState,
  name: Name,
  live: Credential,
): { readonly sessionsEnded: number; readonly notes: readonly string[] } {
  if (name === "pair")
    for (const role of Object.keys(world.pair))
      if (role !== live.fields["user"]) world.pair[role] = ""
  if (name === "dual")
    for (const value of world.dual) if (value !== valueOf(live)) world.dual.delete(value)
  return { sessionsEnded: 0, notes: [] }
}

export async function passTime(world: WorldState, process: Process): Promise<void> {
  await process.instant()
  for (const [name, kind] of world.late) if (kind === "under way") world.late.set(name, "in")
  await process.instant()
}

function take(world: WorldState, name: Name, next: Credential): void {
  if (name === "pair") world.pair[String(next.fields["user"])] = valueOf(next)
  if (name === "dual") world.dual.add(valueOf(next))
  if (name === "one") world.one = valueOf(next)
}
