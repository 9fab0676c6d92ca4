import { existsSync } from "node:fs"
import { type Command, lookAtCommand } from "../../base/files/command-files.ts"
import { obstacleIn } from "../../base/files/runnable.ts"
import type { Finding } from "../../core/ports.ts"
import { defineCheck } from "./check.ts"

/** What the config has run: anyone who can write one of these files runs with our rights. */

export type Program = Command & {
  /** "the restart of production/api". */
  readonly what: string
}

export type Followed = {
  readonly path: string
  readonly what: string
}

export type Hooks = {
  readonly programs: readonly Program[]
  /** They are no programs, but tell one what to run. */
  readonly followed?: readonly Followed[]
  /** Why a file is not looked at: its file system gives no answer. */
  readonly silenceAt?: (file: Followed) => Promise<Finding | undefined>
}

export const hooks = defineCheck({
  name: "hooks",
  faults: {
    "hook-writable": { severity: "error", remedy: "chown it to root and chmod go-w it" },
    "hook-missing": {
      severity: "error",
      remedy: "put it there and chmod +x it, or correct the path in the config",
    },
  },
  inspect: async ({ programs, followed = [], silenceAt }: Hooks, report) => {
    const looked = new Set<string>()
    const isAnswering = async (path: string, what: string): Promise<boolean> => {
      const silent = await silenceAt?.({ path, what })
      if (silent !== undefined) report.passed(silent)
      return silent === undefined
    }
    for (const { what, ...command } of programs) {
      const mayLook = (path: string): Promise<boolean> => isAnswering(path, what)
      const { files, obstacles } = await lookAtCommand(command, { mayLook })
      for (const file of files) looked.add(file)
      for (const { code, path, message, remedy, isInner } of obstacles)
        report.found(code, `${path} (${isInner ? `what ${what} runs` : what}) ${message}`, {
          remedy,
        })
    }
    for (const { path, what } of followed) {
      if (!(await isAnswering(path, what)) || !existsSync(path)) continue
      looked.add(path)
      const obstacle = await obstacleIn(path)
      if (obstacle !== undefined)
        report.found(obstacle.code, `${path} (${what}) ${obstacle.message}`, {
          remedy: obstacle.remedy,
        })
    }
    return summary(looked.size)
  },
})

/** No more than was looked at: which files a program loads in its turn is not known. */
function summary(count: number): string {
  if (count === 0) return "the config names no program by its path"
  return (
    `${count} program${count === 1 ? "" : "s and scripts"} that no other user can change; ` +
    "what they run or load was not looked at"
  )
}
