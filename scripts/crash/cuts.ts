import { type Call, pathsIn, threadsOf } from "../../test/support/strace.ts"

/** SIGKILL on entering the `when`-th `call` of some thread: the call is not made, the ones before it are. */
export type Cut = { readonly call: string; readonly when: number }

/** Calls that change something, hand something over, or wait; epoll ends each step, so a cut there is one after a call. */
export const cuttable = ["write", "fsync", "fdatasync", "rename", "unlink", "fchmod", "mkdir", "sendto", "recvfrom", "connect", "shutdown", "vfork", "epoll_pwait2"] as const

/** What a rotation durably did, or said to somebody, in the order in which it was done: the instants between which a cut can fall. */
export const marking = ["fsync", "fdatasync", "rename", "unlink", "sendto", "recvfrom", "vfork"] as const

export function isMark(call: Call): boolean {
  const known: readonly string[] = marking
  return known.includes(call.name) && call.result !== undefined && !call.result.startsWith("-1")
}

/** Cuts for an undisturbed run: what each thread called after the lock was taken, and after so many changes of the state. */
export function planCuts(calls: readonly Call[], afterWrites = 0): readonly Cut[] {
  const threads = threadsOf(calls)
  const ours = calls.filter(({ pid }) => threads.has(pid))
  const from = beginning(ours, afterWrites)
  const cuts: Cut[] = []
  for (const call of cuttable) {
    const numbers = new Set<number>()
    for (const thread of threads) {
      ours.filter(({ pid, name }) => pid === thread && name === call).forEach(({ entered }, index) => {
        if (entered >= from) numbers.add(index + 1)
      })
    }
    for (const when of [...numbers].sort((one, other) => one - other)) cuts.push({ call, when })
  }
  return cuts
}

/** Where it gets interesting: before, nothing was read yet. */
function beginning(calls: readonly Call[], afterWrites: number): number {
  const writes = calls.filter(({ name, args }) => name === "rename" && pathsIn(args)[1]?.endsWith("/production.json") === true)
  if (afterWrites > 0) return writes[afterWrites - 1]?.returned ?? Number.POSITIVE_INFINITY
  return calls.find(({ name, args }) => name === "openat" && args.includes("production.lock"))?.entered ?? 0
}

/** `count` of them: each kind of call gets the same share, for a rotation makes a hundred times as many writes as renames. */
export function sampleCuts(cuts: readonly Cut[], count: number, random: () => number): readonly Cut[] {
  const kinds = Map.groupBy(cuts, ({ call }) => call)
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
