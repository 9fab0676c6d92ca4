import { expect } from "bun:test"
import { join } from "node:path"
import type { Shop } from "../support/shop.ts"
import { type Call, pathsIn, readStrace } from "../support/strace.ts"
import { strace } from "../support/tracing.ts"

/** Which write had come to last when something was said: read from a log of system calls. */

/** The system calls of one command, a rotation unless another is named. */
export async function traced(
  { project }: Shop,
  exit: number,
  args: readonly string[] = ["rotate-now", "production"],
): Promise<readonly Call[]> {
  const log = join(project.root, "strace.log")
  const trace =
    "trace=openat,write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,sendto,sendmsg,vfork,clone,clone3"
  const { code, stdout, stderr } = await project.mycelium(args, {
    under: strace("-y", "-s", "300", "-o", log, "-e", trace),
  })
  if (code !== exit) throw new Error(`the rotation ended with ${code}: ${stdout}${stderr}`)
  return readStrace(log)
}

/**
 * One replacement of a file: the sync of its draft, the rename, the sync of the folder (undefined
 * where there is none).
 */
export type Write = {
  readonly synced: Call | undefined
  readonly rename: Call
  readonly folder: Call | undefined
}

export function durableWrites(calls: readonly Call[], target: string): readonly Write[] {
  const renames = calls.filter(
    (call) =>
      call.name.startsWith("rename") && pathsIn(call.args).at(-1) === target && call.result === "0",
  )
  return renames.map((rename, index) => {
    const before = renames[index - 1]?.returned ?? -1
    const after = renames[index + 1]?.entered ?? Number.POSITIVE_INFINITY
    // What becomes the target by its rename: a draft, or what was reserved for it.
    const draft = pathsIn(rename.args)[0]
    const written = calls.filter(
      (call) =>
        /^p?write/.test(call.name) &&
        pathsIn(call.args)[0] === draft &&
        call.entered > before &&
        call.entered < rename.entered,
    )
    const lastByte = Math.max(...written.map(({ returned }) => returned))
    const synced = calls.find(
      (call) =>
        call.name === "fsync" &&
        pathsIn(call.args)[0] === draft &&
        call.entered > lastByte &&
        call.returned < rename.entered &&
        call.result === "0",
    )
    const folder = calls.find(
      (call) =>
        call.name === "fsync" &&
        pathsIn(call.args)[0] === folderOf(target) &&
        call.entered > rename.returned &&
        call.entered < after &&
        call.result === "0",
    )
    return { synced, rename, folder }
  })
}

export function expectDurable({ synced, rename, folder }: Write, before: Call): void {
  expect({
    "draft synced before its rename": synced !== undefined,
    "folder synced after": folder !== undefined,
  }).toEqual({ "draft synced before its rename": true, "folder synced after": true })
  expect(rename.returned).toBeLessThan(before.entered)
  expect(folder?.returned ?? Number.POSITIVE_INFINITY).toBeLessThan(before.entered)
}

export function lastBefore(writes: readonly Write[], call: Call): Write {
  const last = writes.filter(({ rename }) => rename.entered < call.entered).at(-1)
  if (last === undefined) throw new Error("nothing was written before")
  return last
}

export function draftOf(target: string): string {
  return target.replace(/\/([^/]*)$/, "/.$1.mycelium-draft")
}
function folderOf(target: string): string {
  return target.slice(0, target.lastIndexOf("/"))
}
