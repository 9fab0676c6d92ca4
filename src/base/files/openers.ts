import { type Stats, readFileSync, readdirSync, readlinkSync, statSync } from "node:fs"

/** A process that has a file open to read it, with the user and the groups that it acts as. */
export type Opener = {
  readonly pid: number
  readonly uid: number
  readonly groups: readonly number[]
}

/**
 * Every other process that we may look at which has this very file open for reading, by whatever
 * name. Told by what the kernel says of each open file: none but this is touched, for another may
 * lie on a file system that hangs.
 */
export function openersOf(
  path: string,
  { ino, dev }: Pick<Stats, "ino" | "dev">,
): readonly Opener[] {
  return names("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return []
    const holds = names(`/proc/${pid}/fd`).some((file) => reads(pid, file, { path, ino, dev }))
    const who = holds ? credentialsOf(pid) : undefined
    return who === undefined ? [] : [{ pid: Number(pid), ...who }]
  })
}

type Sought = { readonly path: string; readonly ino: number; readonly dev: number }

/** `ino` is told since Linux 5.14; before that, the name by which it was opened counts. */
function reads(pid: string, file: string, { path, ino, dev }: Sought): boolean {
  const info = textOf(`/proc/${pid}/fdinfo/${file}`)
  const flags = Number.parseInt(/^flags:\s*([0-7]+)/m.exec(info)?.[1] ?? "1", 8)
  const writesOnly = (flags & 0o3) === 1
  if (writesOnly) return false
  const told = /^ino:\s*(\d+)/m.exec(info)?.[1]
  if (told !== undefined && told !== String(ino)) return false
  if (told === undefined && linkOf(pid, file) !== path) return false
  return isSame(`/proc/${pid}/fd/${file}`, { ino, dev })
}

/** Another file system may know the same number. */
function isSame(link: string, { ino, dev }: Pick<Stats, "ino" | "dev">): boolean {
  try {
    const stats = statSync(link)
    return stats.ino === ino && stats.dev === dev
  } catch {
    return false
  }
}

function credentialsOf(pid: string): Omit<Opener, "pid"> | undefined {
  const status = textOf(`/proc/${pid}/status`)
  const line = (name: string): readonly number[] =>
    (new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1] ?? "")
      .split(/\s+/)
      .filter((one) => one !== "")
      .map(Number)
  // Real, effective, saved, and that for files.
  const [uid, gid] = [line("Uid")[3], line("Gid")[3]]
  return uid === undefined || gid === undefined
    ? undefined
    : { uid, groups: [gid, ...line("Groups")] }
}

function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    // It has ended, or is another user's.
    return []
  }
}

function linkOf(pid: string, file: string): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${file}`)
  } catch {
    return ""
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1")
  } catch {
    return ""
  }
}
