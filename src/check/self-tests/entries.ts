import { within } from "../../base/deadline.ts"
import type { Output } from "../../core/ports.ts"
import { type Report, defineCheck } from "./check.ts"

/**
 * Could a rotation write the entries of secret managers? Each manager is asked who we are there, and
 * what we may do; nothing is written.
 */

export type Entries = {
  readonly entries: readonly { readonly place: string; readonly output: Output }[]
  /** How long one manager may take; all are asked side by side. */
  readonly withinMs: number
}

export const entries = defineCheck<never, Entries>({
  name: "entries",
  faults: {},
  inspect: async ({ entries: all, withinMs }, report) => {
    const asked = await Promise.all(all.map((one) => ask(one, withinMs, report)))
    const known = asked.filter((one) => one !== undefined)
    return known.length === 0 ? "no output is an entry of a secret manager" : known.join("; ")
  },
})

/** Who we are there; undefined where that is not known. */
async function ask(
  { place, output }: Entries["entries"][number],
  withinMs: number,
  report: Report<never>,
): Promise<string | undefined> {
  try {
    const found = await within(withinMs, async (signal) => output.inspect?.(signal))
    for (const finding of found?.findings ?? [])
      report.passed({ ...finding, message: `${place}: ${finding.message}` })
    return found === undefined ? undefined : `${output.target} as ${found.account}`
  } catch (error) {
    report.failed(error, place)
    return undefined
  }
}
