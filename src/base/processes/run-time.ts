/**
 * Time (ms) in which this process ran. Stopped (SIGSTOP, a frozen cgroup, a paused machine) it sees
 * nothing, so that time
 * is no time that a program or a server had; performance.now() goes on meanwhile (it is
 * CLOCK_MONOTONIC, which stands still
 * in a suspend only). Seen by ticks, as long as anybody measures: between two of them no more than
 * a tick is counted.
 */

const tickMs = 250
/** A tick that is late by more than this is no load of the machine: we did not run. */
const lateMs = 1500
/**
 * After a pause, what came meanwhile is read before a deadline is judged: so long, or as long as
 * the deadline if that is shorter.
 */
const fairMs = 1000

let measuring = 0
let ticker: ReturnType<typeof setInterval> | undefined
let lookedAt = 0
let ranMs = 0
let pausedAtMs = Number.NEGATIVE_INFINITY

function countTime(): void {
  const now = performance.now()
  const passed = now - lookedAt
  lookedAt = now
  const paused = passed > tickMs + lateMs
  ranMs += paused ? tickMs : passed
  if (paused) pausedAtMs = ranMs
}

/** While someone measures, the ticks go on; they keep nobody alive. */
function measure(): () => void {
  if (measuring++ === 0) {
    lookedAt = performance.now()
    ticker = setInterval(countTime, tickMs)
    ticker.unref()
  }
  let ended = false
  return () => {
    if (ended) return
    ended = true
    if (--measuring === 0) clearInterval(ticker)
  }
}

export type Stopwatch = {
  /** How long we ran since it was begun. */
  readonly ms: () => number
  readonly end: () => void
}

export function beginStopwatch(): Stopwatch {
  const end = measure()
  countTime()
  const began = ranMs
  return { ms: () => (countTime(), ranMs - began), end }
}

/**
 * So often there is a last chance: a machine that is too busy to run us in time must not put a
 * deadline off for ever.
 */
const mostChances = 3

/**
 * Calls `over` once we ran for `ms`; returns what calls it off. After a pause there is a last
 * chance.
 */
export function countDown(ms: number, over: () => void): () => void {
  const watch = beginStopwatch()
  let timer: ReturnType<typeof setTimeout>
  let chances = mostChances
  const arm = (leftMs: number): void => {
    timer = setTimeout(() => {
      const rest = ms - watch.ms()
      // Timers are whole milliseconds.
      if (rest >= 1) return arm(rest)
      const chance =
        pausedAtMs >= ranMs - watch.ms() ? pausedAtMs + Math.min(ms, fairMs) - ranMs : 0
      if (chance >= 1 && chances-- > 0) return arm(chance)
      watch.end()
      over()
    }, Math.ceil(leftMs))
  }
  arm(Math.max(ms, 0))
  return () => {
    clearTimeout(timer)
    watch.end()
  }
}

export type Deadline = { readonly signal: AbortSignal; readonly end: () => void }

/**
 * A signal that aborts once we ran for `ms`, or with `outer`; to be ended by the one who no longer
 * waits for it.
 */
export function deadlineOf(ms: number, outer?: AbortSignal): Deadline {
  const over = new AbortController()
  const callOff = countDown(ms, () =>
    over.abort(new DOMException("the time is over", "TimeoutError")),
  )
  return {
    signal: outer === undefined ? over.signal : AbortSignal.any([over.signal, outer]),
    end: callOff,
  }
}
