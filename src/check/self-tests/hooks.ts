import { obstacleIn, obstacleTo } from "../../base/files/runnable.ts"
import type { Finding } from "../../core/ports.ts"
import { defineCheck } from "./check.ts"

/** Programs that the config names by their path: anyone who can write one runs with our rights. */

export type Program = {
  readonly path: string
  /** "the restart of production/api". */
  readonly what: string
  /** It is no program itself, but tells one what to run. */
  readonly isFollowed?: true
}

export type Hooks = {
  readonly programs: readonly Program[]
  /** Of programs that cannot be looked at: their file system gives no answer. */
  readonly silent?: readonly Finding[]
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
  inspect: async ({ programs, silent = [] }: Hooks, report) => {
    for (const finding of silent) report.passed(finding)
    for (const { path, what, isFollowed } of programs) {
      const obstacle = await (isFollowed === true ? obstacleIn : obstacleTo)(path)
      if (obstacle !== undefined)
        report.found(obstacle.code, `${path} (${what}) ${obstacle.message}`, {
          remedy: obstacle.remedy,
        })
    }
    return programs.length === 0
      ? "the config names no program by its path"
      : `${programs.length} program${programs.length === 1 ? "" : "s"} that nobody else can change`
  },
})
