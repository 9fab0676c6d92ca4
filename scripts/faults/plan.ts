import { dirname, join } from "node:path"
import type { Shop } from "../../test/support/shop.ts"
import { type Call, pathsIn, threadsOf } from "../../test/support/strace.ts"

/**
 * One system call of the binary that answers with an error instead of being made: the `when`-th of
 * its kind, in some thread, that concerns `path`.
 */
export type Injection = {
  readonly path: string
  readonly call: string
  readonly when: number
  readonly error: string
}

/**
 * What a machine answers: a full disk, a broken one, a read-only one, rights that are missing, no
 * file left to open.
 */
const answers: Readonly<Record<string, readonly string[]>> = {
  openat: ["EACCES", "EMFILE", "EIO", "EROFS", "ENOSPC"],
  read: ["EIO"],
  pread64: ["EIO"],
  write: ["ENOSPC", "EIO", "EDQUOT"],
  fsync: ["EIO", "ENOSPC"],
  fdatasync: ["EIO", "ENOSPC"],
  rename: ["EROFS", "EIO", "EACCES"],
  fchmod: ["EPERM", "EIO"],
  fchown: ["EPERM"],
  unlink: ["EROFS", "EIO", "EACCES"],
  mkdir: ["EROFS", "ENOSPC", "EACCES"],
  statx: ["EACCES", "EIO"],
  lstat: ["EACCES"],
  fcntl: ["ENOLCK", "EIO"],
}
export const injectable: readonly string[] = Object.keys(answers)

/** Each of our files that a command reads or writes, and the folders in which they are replaced. */
export function pathsOf({ project }: Shop): readonly string[] {
  const drafted = [
    project.statePath(),
    project.path(".env"),
    project.path("session.env"),
    join(project.store, "keys.age"),
  ]
  const files = [
    ...drafted,
    project.auditPath(),
    join(project.stateFolder, "production.lock"),
    join(project.stateFolder, "production.lock-holder"),
    join(project.stateFolder, "production.lock-hooks"),
    project.identityFile,
    project.path("mycelium.yaml"),
    project.path("admin.password"),
  ]
  return [
    ...files,
    ...drafted.map((path) =>
      join(dirname(path), `.${path.slice(dirname(path).length + 1)}.mycelium-draft`),
    ),
    project.stateFolder,
    project.folder,
  ]
}

/** Every injection that an undisturbed run offers; what the hooks do is not ours. */
export function planInjections(
  calls: readonly Call[],
  paths: readonly string[],
): readonly Injection[] {
  const threads = threadsOf(calls)
  const planned = new Map<string, Injection>()
  for (const thread of threads) {
    const counts = new Map<string, number>()
    for (const { pid, name, args } of calls) {
      const errors = answers[name]
      if (pid !== thread || errors === undefined) continue
      for (const path of new Set(pathsIn(args).filter((one) => paths.includes(one)))) {
        const when = (counts.get(`${name} ${path}`) ?? 0) + 1
        counts.set(`${name} ${path}`, when)
        for (const error of errors)
          planned.set(`${name} ${path} ${when} ${error}`, { path, call: name, when, error })
      }
    }
  }
  return [...planned.values()]
}

/**
 * "fsync EIO of .production.json.mycelium-draft, 2nd": without the folders, which are other ones
 * each time.
 */
export function sayInjection(
  { path, call, when, error }: Injection,
  { project }: Pick<Shop, "project">,
): string {
  return `${call}:${error}:${when} ${path.replace(`${project.root}/`, "")}`
}
