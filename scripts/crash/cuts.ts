import { basename } from "node:path"
import { binary } from "../../test/support/mycelium.ts"
import { type Call, pathsIn, threadsOf } from "../../test/support/strace.ts"

/**
 * SIGKILL at the `when`-th `call`, as it enters or before it returns. With `file` (relative to the
 * shop's root): of all threads together, among the calls about that file. Without: of the main
 * thread.
 */
export type Cut = {
  readonly call: string
  readonly when: number
  readonly side: Point["side"]
  readonly file?: string
  /** The instant that it is meant for; undefined where a person chose call and number. */
  readonly point?: Point
}

/**
 * An instant of a run, told by who does what to what: before or after the `nth` such act ("before
 * Bun Pool fsync draft of production.json #2").
 */
export type Point = {
  readonly side: "before" | "after"
  readonly act: string
  readonly nth: number
}

export function nameOf({ side, act, nth }: Point): string {
  return `${side} ${act} #${nth}`
}

/** Calls that change something, hand something over, start a program or learn an answer. */
export const acts: readonly string[] = [
  "write",
  "pwrite64",
  "ftruncate",
  "fsync",
  "fdatasync",
  "rename",
  "unlink",
  "fchmod",
  "mkdir",
  "connect",
  "sendto",
  "recvfrom",
  "shutdown",
  "vfork",
]
/** What the log of an undisturbed run must hold, so that its points can be named. */
export const traced: readonly string[] = [...acts, "openat", "clone", "clone3"]

type Step = { readonly call: Call; readonly act: string; readonly nth: number }

/** The acts of our own threads. */
export function stepsOf(calls: readonly Call[]): readonly Step[] {
  const threads = threadsOf(calls)
  const acted = new Map<string, number>()
  return calls.flatMap((call) => {
    const act = threads.has(call.pid) ? actOf(call) : undefined
    if (act === undefined) return []
    const nth = (acted.get(act) ?? 0) + 1
    acted.set(act, nth)
    return [{ call, act, nth }]
  })
}

/** Undefined where it changes nothing that outlives us. */
function actOf({ name, args, thread, result }: Call): string | undefined {
  if (!acts.includes(name) || (result?.startsWith("-1") === true && name !== "connect"))
    return undefined
  const what = objectOf(name, args)
  return what === undefined ? undefined : `${thread.replace(/ \d+$/, "")} ${name} ${what}`.trimEnd()
}

/**
 * What a call is about: the file by its place, a socket, a program; undefined for a thread that
 * wakes another.
 */
function objectOf(name: string, args: string): string | undefined {
  if (name === "vfork") return "hook"
  const path = pathsIn(args)[name === "rename" ? 1 : 0] ?? ""
  if (path.startsWith("anon_inode:")) return undefined
  if (path.startsWith("socket:")) return "socket"
  if (path.startsWith("pipe:")) return "pipe"
  const [, draft, rest = ""] =
    /\/(\.(?=.*\.mycelium-draft$))?([^/]*?)(?:\.mycelium-draft)?$/.exec(path) ?? []
  return draft === undefined ? rest : `draft of ${rest}`
}

/**
 * One cut a point for an undisturbed run of a shop in `root`, from where the lock is taken (or the
 * new value is promoted).
 */
export function planCuts(calls: readonly Call[], root: string, onlyRevoke = false): readonly Cut[] {
  const from = beginning(calls, onlyRevoke)
  return stepsOf(calls).flatMap(({ call, act, nth }) => {
    if (call.entered < from) return []
    // Which thread of the pool gets a call is chance: these are counted by their file.
    const file = isMain(call) ? undefined : fileOf(call, root)
    // Folders above the shop are synced once, when a store is made.
    if (file === undefined && !isMain(call)) return []
    const same = calls.filter(
      (one) =>
        one.name === call.name &&
        one.entered <= call.entered &&
        (file === undefined ? one.pid === call.pid : fileOf(one, root) === file),
    )
    return (["before", "after"] as const).map(
      (side): Cut => ({
        call: call.name,
        when: same.length,
        side,
        ...(file === undefined ? {} : { file }),
        point: { side, act, nth },
      }),
    )
  })
}

/** Named after its program, as far as the system keeps names. */
const main = basename(binary).slice(0, 15)

function isMain({ thread }: Call): boolean {
  return thread === main
}

/** The first file that a call names, if it lies in the shop. */
export function fileOf({ args }: Call, root: string): string | undefined {
  const [path] = pathsIn(args)
  return path?.startsWith(`${root}/`) === true ? path.slice(root.length + 1) : undefined
}

/**
 * Where it gets interesting: before, nothing was read yet. The last change of the state but one is
 * the promotion.
 */
function beginning(calls: readonly Call[], onlyRevoke: boolean): number {
  const writes = calls.filter(
    ({ name, args }) =>
      name === "rename" && pathsIn(args)[1]?.endsWith("/production.json") === true,
  )
  if (onlyRevoke) return writes.at(-2)?.returned ?? Number.POSITIVE_INFINITY
  return (
    calls.find(({ name, args }) => name === "openat" && args.includes("production.lock"))
      ?.entered ?? 0
  )
}

/** The calls in the log of a killed run that count for `cut`. */
export function counted(calls: readonly Call[], { call, file }: Cut): readonly Call[] {
  return calls.filter((one) => one.name === call && (file !== undefined || isMain(one)))
}

/** Whether the run was killed where `cut` says: in that call, before it was made or before it returned. */
export function isHit(calls: readonly Call[], cut: Cut): boolean {
  const all = counted(calls, cut)
  return all.length === cut.when && (all.at(-1)?.result === undefined) === (cut.side === "before")
}

/** Whether a run that lived on came to where `cut` says. */
export function isSent(calls: readonly Call[], cut: Cut): boolean {
  return counted(calls, cut).length >= cut.when
}

/**
 * `count` of them: each kind of act gets the same share, for a rotation reads from sockets twenty
 * times as often as it renames.
 */
export function sampleCuts(
  cuts: readonly Cut[],
  count: number,
  random: () => number,
): readonly Cut[] {
  const kinds = Map.groupBy(cuts, ({ side, call, file }) => `${side} ${call} ${file ?? ""}`)
  const queues = [...kinds.values()].map((queue) => shuffle(queue, random))
  const chosen: Cut[] = []
  while (chosen.length < Math.min(count, cuts.length)) {
    for (const queue of shuffle(queues, random)) {
      const cut = queue.pop()
      if (cut !== undefined && chosen.length < count) chosen.push(cut)
    }
  }
  return chosen
}

function shuffle<T>(items: readonly T[], random: () => number): T[] {
  const list = [...items]
  for (let last = list.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    const [one, two] = [list[last], list[other]]
    if (one !== undefined && two !== undefined) [list[last], list[other]] = [two, one]
  }
  return list
}

/** mulberry32: the same seed gives the same cuts. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
