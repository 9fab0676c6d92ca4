/**
 * Time (ms) in which this process ran. While it is stopped (SIGSTOP, a frozen cgroup, a paused
 * machine) it sees nothing, so that time must not count against a program or a server.
 * performance.now() goes on meanwhile: it is CLOCK_MONOTONIC, which stands still only in a suspend.
 * So time is counted by ticks, as long as anything is measured: at most one tick between two.
 */

const tickMs = 250
/** A tick that is late by more than this is not load: this process was stopped. */
const lateMs = 1500
/**
 * After a stop, what arrived meanwhile is read before a deadline is judged. Time for that (ms), or
 * the deadline itself if that is shorter.
 */
const fairMs = 1000

let measuring = 0
let ticker: ReturnType<typeof setInterval> | undefined
let lookedAt = 0
let ranMs = 0
let pausedAtMs = Number.NEGATIVE_INFINITY

function tick(): void {
  const now = performance.now()
  const passed = now - lookedAt
  lookedAt = now
  const paused = passed > tickMs + lateMs
  ranMs += paused ? tickMs : passed
  if (paused) pausedAtMs = ranMs
}

/** While anything is measured, the ticks go on; they do not keep the process alive. */
function measure(): () => void {
  if (measuring++ === 0) {
    lookedAt = performance.now()
    ticker = setInterval(tick, tickMs)
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
  tick()
  const began = ranMs
  return { ms: () => (tick(), ranMs - began), end }
}

/**
 * How many last chances there are: a machine that is always too busy must not put a deadline off
 * for ever.
 */
const mostChances = 3

/**
 * Calls `over` once this process has run for `ms`; returns what calls it off. After a stop there is
 * a last chance.
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
 * A signal that aborts once this process has run for `ms`, or with `outer`. The caller ends it when
 * it no longer waits.
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
