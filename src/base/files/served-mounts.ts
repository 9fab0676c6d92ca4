import { lstatSync, readlinkSync } from "node:fs"
import { join } from "node:path"
import { isServedType } from "./file-system.ts"
import type { Mount } from "./mounts.ts"

/** As many links as Linux follows. */
const mostLinks = 40

/** The mounts by their point; undefined where each of them is a disk of this machine. */
export type ServedMounts = ReadonlyMap<string, Mount> | undefined

/** Of two at one point the later one is seen. */
export function servedMounts(mounts: readonly Mount[]): ServedMounts {
  const byPoint = new Map(mounts.map((mount) => [mount.point, mount]))
  return [...byPoint.values()].some(({ type }) => isServedType(type)) ? byPoint : undefined
}

/**
 * The mount that a path lies on, if the way there enters a file system that is served by a program
 * or by another machine. Nothing on such a file system is touched: its server may hang, and with it
 * each process that asks. Undefined if the whole way lies on disks of this machine.
 */
export function servedMountOf(path: string, byPoint: ServedMounts): string | undefined {
  if (byPoint === undefined) return undefined
  const ahead = stepsOf(path)
  let at = "/"
  let links = 0
  for (;;) {
    if (isServedType(byPoint.get(at)?.type ?? "")) return deepest(join(at, ...ahead), byPoint)
    const step = ahead.shift()
    if (step === undefined) return undefined
    const next = join(at, step)
    // A mount point is not asked: the question would go to what is mounted there.
    const target = byPoint.has(next) ? undefined : linkAt(next)
    if (target === undefined) {
      at = next
      continue
    }
    if (++links > mostLinks) return undefined
    ahead.unshift(...stepsOf(target))
    if (target.startsWith("/")) at = "/"
  }
}

function stepsOf(path: string): string[] {
  return path.split("/").filter((step) => step !== "" && step !== ".")
}

/** Where a link leads; undefined for all else, and for what is not there. */
function linkAt(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined
  } catch {
    return undefined
  }
}

/** Links beyond the served file system's root are not known, so this goes by names. */
function deepest(path: string, byPoint: ReadonlyMap<string, Mount>): string {
  let point = path
  while (!byPoint.has(point) && point !== "/") point = join(point, "..")
  return point
}
