import { unrunnable } from "../base/runnable.ts"
import { defineCheck } from "./check.ts"
import { type Me, foldersAbove, isGuarded, look, octal, realPath } from "./way.ts"

/** Programs that the config names by their path: whoever can write one runs with our rights. */

export type Program = {
  readonly path: string
  /** "the restart of production/api". */
  readonly what: string
}

export const hooks = defineCheck({
  name: "hooks",
  faults: {
    "hook-writable": { severity: "error", remedy: "chown it to root and chmod go-w it" },
    "hook-missing": { severity: "error", remedy: "put it there and chmod +x it, or correct the path in the config" },
  },
  look: ({ programs, me }: { readonly programs: readonly Program[]; readonly me: Me }, report) => {
    for (const { path, what } of programs) {
      const fault = faultOf(path, me)
      if (fault !== undefined) report.found(fault.code, `${path} (${what}) ${fault.says}`, fault.remedy === undefined ? {} : { remedy: fault.remedy })
    }
    return programs.length === 0 ? "the config names no program by its path" : `${programs.length} program${programs.length === 1 ? "" : "s"} that nobody else can change`
  },
})

function faultOf(path: string, me: Me): { readonly code: "hook-writable" | "hook-missing"; readonly says: string; readonly remedy?: string } | undefined {
  const obstacle = unrunnable(path)
  if (obstacle !== undefined) return { code: "hook-missing", ...obstacle }
  const real = realPath(path)
  const stats = look(real)
  for (const entry of [...(stats === undefined ? [] : [{ path: real, stats }]), ...foldersAbove(path), ...foldersAbove(real)]) {
    const { mode, uid, gid } = entry.stats
    const writable = (mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && gid !== 0 && gid !== me.gid)
    if (uid !== 0 && uid !== me.uid) return { code: "hook-writable", says: `can be changed by user ${uid}, who owns ${entry.path}`, remedy: `chown root ${entry.path}` }
    if (writable && !isGuarded(entry.stats)) return { code: "hook-writable", says: `can be changed by others: ${entry.path} has mode ${octal(mode)}`, remedy: `chmod go-w ${entry.path}` }
  }
  return undefined
}
