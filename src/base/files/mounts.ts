import { readFileSync, readdirSync, readlinkSync, realpathSync } from "node:fs"
import { basename, dirname, join } from "node:path"

/**
 * What is mounted where, from /proc (proc(5), mountinfo). Where there is no /proc, nothing is
 * known.
 */

export type Mount = {
  /** "254:0": which file system, the same in every namespace. */
  readonly device: string
  /**
   * Which part of that file system is shown here; a file that was replaced or deleted ends in
   * "//deleted".
   */
  readonly root: string
  readonly point: string
  /** "ext4", "nfs4", "fuse.sshfs". */
  readonly type: string
}

export function parseMounts(text: string): readonly Mount[] {
  return text.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ")
    const [, , device, root, point] = before.split(" ")
    const [type] = after.split(" ")
    return device === undefined || root === undefined || point === undefined || type === undefined
      ? []
      : [{ device, root: unescaped(root), point: unescaped(point), type }]
  })
}

/** Blanks and backslashes are written as \040 and the like; what is no UTF-8 stays unread. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  )
}

/** As this process sees them. Asked anew each time; the same text is not parsed again. */
export function ownMounts(): readonly Mount[] {
  const text = textOf("self")
  if (text !== last.text) last = { text, mounts: parseMounts(text) }
  return last.mounts
}
let last: { readonly text: string; readonly mounts: readonly Mount[] } = { text: "", mounts: [] }

function textOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/mountinfo`, "utf8")
  } catch {
    return ""
  }
}

/** The mount that a path lies on; later ones hide earlier ones. */
export function mountOf(path: string, mounts: readonly Mount[]): Mount | undefined {
  const real = realPlace(path)
  return mounts
    .filter(({ point }) => isBelow(real, point))
    .reduce<Mount | undefined>(
      (best, mount) =>
        best === undefined || mount.point.length >= best.point.length ? mount : best,
      undefined,
    )
}

/** True for a file that is mounted by itself: nothing can be renamed onto it. */
export function isMountPoint(
  path: string,
  mounts: readonly Mount[] = ownMountsNamed(basename(path)),
): boolean {
  if (mounts.length === 0) return false
  const real = realPlace(path)
  return mounts.some(({ point }) => point === real)
}

/**
 * None where no mount can have that name: asked twice a file and rotation, nearly always in vain. A
 * name of other characters may stand there escaped.
 */
function ownMountsNamed(name: string): readonly Mount[] {
  const text = textOf("self")
  return /^[\w.-]+$/.test(name) && !text.includes(`/${name} `) ? [] : parseMounts(text)
}

function realPlace(path: string): string {
  try {
    return join(realpathSync(dirname(path)), basename(path))
  } catch {
    return path
  }
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`)
}

/**
 * Another process that sees a file through a mount of that file alone. `stale`: one that was
 * replaced meanwhile.
 */
export type Alone = { readonly path: string; readonly pid: number; readonly stale: boolean }

/** No machine of the size that this is for runs more. */
const mostProcesses = 4000

/**
 * Of these files: who has them mounted alone (containers, most often). Each namespace is told once,
 * by its first process.
 */
export function mountedAlone(paths: readonly string[]): readonly Alone[] {
  if (paths.length === 0) return []
  const own = ownMounts()
  const places = paths.flatMap((path) => {
    const mount = mountOf(path, own)
    return mount === undefined
      ? []
      : [
          {
            path,
            device: mount.device,
            inner: join(
              mount.root,
              realPlace(path).slice(mount.point === "/" ? 0 : mount.point.length),
            ),
          },
        ]
  })
  const found: Alone[] = []
  // Where everything is as with us, there is nothing to find.
  const seen = new Set(["", textOf("self")])
  const views = new Set([viewOf("self")])
  for (const pid of processes()) {
    const view = viewOf(pid)
    if (view !== undefined && views.has(view)) continue
    views.add(view)
    const text = textOf(pid)
    if (seen.has(text)) continue
    seen.add(text)
    const mounts = parseMounts(text)
    for (const { path, device, inner } of places) {
      const mount = mounts.find(
        (one) => one.device === device && one.root.replace(/\/\/deleted$/, "") === inner,
      )
      if (mount !== undefined)
        found.push({ path, pid: Number(pid), stale: mount.root.endsWith("//deleted") })
    }
  }
  return found
}

/**
 * By which processes are known that see the same mounts: to ask the kernel for a name costs less
 * than to read the list. Undefined where it does not say.
 */
function viewOf(pid: string): string | undefined {
  try {
    return `${readlinkSync(`/proc/${pid}/ns/mnt`)} ${readlinkSync(`/proc/${pid}/root`)}`
  } catch {
    return undefined
  }
}

function processes(): readonly string[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .slice(0, mostProcesses)
  } catch {
    return []
  }
}
