import { within } from "../../base/deadline.ts"
import type { EntryInspection } from "../../core/entry.ts"
import { type Report, defineCheck } from "./check.ts"

/**
 * Could Mycelium read the credentials that secret managers hold for it? Each manager is asked who we are
 * there; the values stay where they are.
 */

export type Credentials = {
  readonly credentials: readonly {
    /** What needs it: "production/db". */
    readonly place: string
    /** Where it is: "the field password of aws:…". */
    readonly what: string
    inspect(signal: AbortSignal): Promise<EntryInspection | undefined>
  }[]
  /** How long one manager may take; all are asked side by side. */
  readonly withinMs: number
}

export const credentials = defineCheck<never, Credentials>({
  name: "credentials",
  faults: {},
  inspect: async ({ credentials: all, withinMs }, report) => {
    const asked = await Promise.all(all.map((one) => ask(one, withinMs, report)))
    return asked.filter((one) => one !== undefined).join("; ")
  },
})

async function ask(
  { place, what, inspect }: Credentials["credentials"][number],
  withinMs: number,
  report: Report<never>,
): Promise<string | undefined> {
  try {
    const found = await within(withinMs, inspect)
    for (const finding of found?.findings ?? [])
      report.passed({ ...finding, message: `${place}: ${finding.message}` })
    return found === undefined ? undefined : `${what} as ${found.account}`
  } catch (error) {
    report.failed(error, place)
    return undefined
  }
}
