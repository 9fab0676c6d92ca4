import { within } from "../../base/deadline.ts"
import type { Deployment, Finding } from "../../core/ports.ts"
import { defineCheck, findingOf } from "./check.ts"

/**
 * Would a restart find its program, and do no more than that? The restarters that can tell are
 * asked.
 */

export type Restart = {
  /** "production/api". */
  readonly place: string
  readonly deployment: Pick<Deployment, "reads" | "restarter" | "health">
}

type Subject = { readonly restarts: readonly Restart[]; readonly stop: AbortSignal }

const withinMs = 30_000

export const restarts = defineCheck({
  name: "restarts",
  faults: {
    "reader-unlisted": {
      severity: "warning",
      remedy: "name it in a deployment, so that a rotation restarts it too",
    },
    "health-shallow": {
      severity: "info",
      remedy: "ask for something that needs the new value: an http address that reads the database",
    },
  },
  inspect: async ({ restarts: all, stop }: Subject, report) => {
    const looks = await Promise.all(all.map((one) => inspectOne(one, stop)))
    const restarted = new Set(looks.flatMap((inspect) => inspect.restarts))
    for (const { place, findings, readers } of looks) {
      for (const finding of findings)
        report.passed({ ...finding, message: `${place}: ${finding.message}` })
      for (const { id, label: message, target } of readers)
        if (!restarted.has(id))
          report.found(
            "reader-unlisted",
            `${place}: ${message} reads ${target} and is in no deployment: ` +
              "it is not restarted, and keeps the old value",
          )
    }
    for (const { place, deployment } of all)
      if (deployment.health?.limits !== undefined)
        report.found(
          "health-shallow",
          `${place}: ${deployment.health.label} proves ${deployment.health.limits}`,
        )
    const seen = looks.flatMap(({ place, replaces }) =>
      replaces === undefined ? [] : [`${place}: ${replaces}`],
    )
    return seen.length === 0 ? "no restarter here can be asked beforehand" : seen.join("; ")
  },
})

type RestartInspection = {
  readonly place: string
  readonly findings: readonly Finding[]
  readonly restarts: readonly string[]
  readonly readers: readonly {
    readonly id: string
    readonly label: string
    readonly target: string
  }[]
  readonly replaces?: string
}

async function inspectOne(
  { place, deployment }: Restart,
  stop: AbortSignal,
): Promise<RestartInspection> {
  const nothing = { place, findings: [], restarts: [], readers: [] }
  try {
    const inspection = await within(
      withinMs,
      async (signal) => deployment.restarter.inspect?.(deployment.reads, signal),
      stop,
    )
    return { ...nothing, ...inspection }
  } catch (error) {
    return { ...nothing, findings: [findingOf(error)] }
  }
}
