import { readFileSync, statSync } from "node:fs"

/** The process that holds a lock on a file, as the kernel says, not as the holder file claims. */
export type LockHolder = {
  readonly pid: number
  readonly kind: "stopped" | "waiting for a disk" | "running"
}

/**
 * undefined where it cannot be seen from here: it runs in another PID namespace, or /proc hides it.
 */
export function lockHolder(path: string, proc = "/proc"): LockHolder | undefined {
  try {
    const { ino, dev } = statSync(path)
    const pids = locksIn(readFileSync(`${proc}/locks`, "utf8")).filter((one) => one.inode === ino)
    // Some file systems show another device there than `stat` does.
    const pid = (
      pids.find((one) => one.device === deviceOf(dev)) ?? (pids.length === 1 ? pids[0] : undefined)
    )?.pid
    return pid === undefined || pid <= 0
      ? undefined
      : { pid, kind: stateOf(readFileSync(`${proc}/${pid}/stat`, "utf8")) }
  } catch {
    return undefined
  }
}

/**
 * "1: POSIX  ADVISORY  WRITE 4711 fe:00:9997505 1073741826 1073742335"; one that waits for a lock
 * has "->" before its kind.
 */
function locksIn(
  text: string,
): readonly { readonly pid: number; readonly device: string; readonly inode: number }[] {
  return text.split("\n").flatMap((line) => {
    const [, pid, device, inode] =
      /^\d+: POSIX +\S+ +\S+ +(-?\d+) ([0-9a-f]+:[0-9a-f]+):(\d+) /.exec(line) ?? []
    return pid === undefined || device === undefined
      ? []
      : [{ pid: Number(pid), device, inode: Number(inode) }]
  })
}

/** As /proc/locks has it: major and minor number, in hexadecimal digits. */
function deviceOf(dev: number): string {
  const big = BigInt(dev)
  const major = ((big >> 8n) & 0xfffn) | ((big >> 32n) & ~0xfffn)
  const minor = (big & 0xffn) | ((big >> 12n) & ~0xffn)
  return [major, minor].map((part) => part.toString(16).padStart(2, "0")).join(":")
}

/** Its state stands after its name, which is in brackets and may hold some itself. */
function stateOf(stat: string): LockHolder["kind"] {
  const letter = stat.slice(stat.lastIndexOf(")") + 2).charAt(0)
  if (letter === "T" || letter === "t") return "stopped"
  return letter === "D" ? "waiting for a disk" : "running"
}
