import { readFileSync, readdirSync } from "node:fs"

/**
 * As PID 1 of a container we inherit orphans, and Bun does not wait for what it did not start: each
 * stays a zombie. This waits for those alone. It needs ffi, which a hardened unit forbids: then
 * nothing is done (run the container with --init).
 */
export async function reapOrphans(): Promise<number> {
  const zombies = zombiesOf(process.pid)
  if (zombies.length === 0) return 0
  try {
    const { dlopen, FFIType } = await import("bun:ffi")
    const libc = dlopen("libc.so.6", {
      waitpid: { args: [FFIType.i32, FFIType.ptr, FFIType.i32], returns: FFIType.i32 },
    })
    const noHang = 1
    return zombies.filter((pid) => libc.symbols.waitpid(pid, null, noHang) === pid).length
  } catch {
    return 0
  }
}

/** Children of `parent` that have ended and were not waited for yet. */
function zombiesOf(parent: number): readonly number[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1")
      const [state, ppid] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
      return state === "Z" && Number(ppid) === parent ? [Number(name)] : []
    } catch {
      return []
    }
  })
}
