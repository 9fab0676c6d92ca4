import { readFileSync, readdirSync } from "node:fs"

/** What a process costs while it does nothing: /proc of all of its threads, before and after a while. */

export type Idle = {
  readonly rssMiB: number
  readonly peakMiB: number
  readonly wakeUpsAMinute: number
  readonly cpuMsAMinute: number
}

/**
 * Watches `pid` for `forMs`. A wake-up is a voluntary context switch of any thread (proc(5)): each
 * is a sleep that ended.
 */
export async function watchIdle(pid: number, forMs: number): Promise<Idle> {
  const before = look(pid)
  await Bun.sleep(forMs)
  const after = look(pid)
  const aMinute = 60_000 / forMs
  // A thread that ended meanwhile takes its count along: only those that live at both ends are compared.
  let switches = 0
  for (const [thread, count] of after.switches)
    switches += count - (before.switches.get(thread) ?? 0)
  return {
    rssMiB: after.rssMiB,
    peakMiB: after.peakMiB,
    wakeUpsAMinute: Math.round(switches * aMinute),
    cpuMsAMinute: Math.round((after.cpuMs - before.cpuMs) * aMinute),
  }
}

function look(pid: number): {
  readonly switches: ReadonlyMap<string, number>
  readonly rssMiB: number
  readonly peakMiB: number
  readonly cpuMs: number
} {
  const switches = new Map<string, number>()
  for (const thread of readdirSync(`/proc/${pid}/task`))
    switches.set(thread, field(`/proc/${pid}/task/${thread}/status`, "voluntary_ctxt_switches"))
  // utime and stime are the 14th and 15th field, in ticks of 10 ms; the name before them may hold blanks.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ")
  const cpuMs = (Number(fields[11]) + Number(fields[12])) * 10
  return {
    switches,
    rssMiB: field(`/proc/${pid}/status`, "VmRSS") / 1024,
    peakMiB: field(`/proc/${pid}/status`, "VmHWM") / 1024,
    cpuMs,
  }
}

function field(file: string, name: string): number {
  const found = new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(readFileSync(file, "utf8"))?.[1]
  if (found === undefined) throw new Error(`${file} has no ${name}`)
  return Number(found)
}
