import { defineCheck } from "./check.ts"
import { type Me, foldersAbove, isGuarded, octal } from "./path-stat.ts"

/**
 * Who may write in a folder may replace everything in it, whatever the modes of the files: every
 * folder up to the root counts.
 */

export type Guarded = {
  readonly path: string
  /** "the store". */
  readonly what: string
  /** Users, besides root and us, who may own the folders above it. */
  readonly owners: readonly number[]
}

export const parents = defineCheck({
  name: "folders above",
  faults: {
    "parent-writable": {
      severity: "error",
      remedy: "chmod o-w it: everybody could replace the files below",
    },
    "parent-group-writable": {
      severity: "warning",
      remedy: "chmod g-w it: each member of that group could replace the files below",
    },
    "parent-foreign": {
      severity: "error",
      remedy: "chown it to root or to the user that runs mycelium, or move the files elsewhere",
    },
  },
  inspect: ({ guarded, me }: { readonly guarded: readonly Guarded[]; readonly me: Me }, report) => {
    const told = new Set<string>()
    let seen = 0
    for (const { path, what, owners } of guarded) {
      for (const { path: folder, stats } of foldersAbove(path)) {
        seen++
        const message = `${folder}, above ${what}`
        if (told.has(folder)) continue
        if (![0, me.uid, ...owners].includes(stats.uid))
          report.found(
            "parent-foreign",
            `${message}, belongs to user ${stats.uid}, who can replace what is in it`,
          )
        else if (isGuarded(stats) || (stats.mode & 0o022) === 0) continue
        else if ((stats.mode & 0o002) !== 0)
          report.found(
            "parent-writable",
            `${message}, can be written by everybody (${octal(stats.mode)})`,
            { remedy: `chmod o-w ${folder}` },
          )
        else if (stats.gid !== 0 && stats.gid !== me.gid)
          report.found(
            "parent-group-writable",
            `${message}, can be written by group ${stats.gid} (${octal(stats.mode)})`,
            { remedy: `chmod g-w ${folder}` },
          )
        else continue
        told.add(folder)
      }
    }
    return seen === 0
      ? "nothing to look at yet"
      : "no other user can write in a folder above the store, the identity or an output"
  },
})
