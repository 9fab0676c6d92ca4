import type { Contained } from "../incident/containment.ts"
import type { ContainmentVerdict } from "../incident/verdict.ts"

/** How a containment stands: what is left of it, asked of the verdicts. */

/** Nothing could be done in it, and not even its secrets are known. */
export function isUnknown({ failed, secrets }: Contained): boolean {
  return failed !== undefined && Object.keys(secrets).length === 0
}

/** Contained before, and not known to be so still. */
export function isUnasked({ secrets }: Contained): boolean {
  return Object.values(secrets).some(wasUnasked)
}

export function wasUnasked(one: ContainmentVerdict): boolean {
  return isContained(one) && one.asked?.kind === "unasked"
}

/** An output shows a value that leaked. */
export function showsLeaked({ secrets }: Contained): boolean {
  return Object.values(secrets).some((one) => isContained(one) && one.shows !== undefined)
}

export function unwrittenOf(
  reports: readonly Contained[],
): readonly NonNullable<Good["unwritten"]>[] {
  return verdictsOf(reports).flatMap((one) =>
    isContained(one) && one.unwritten !== undefined ? [one.unwritten] : [],
  )
}

export function isOwing(report: Contained): boolean {
  return unwrittenOf([report]).length > 0
}

/** A program did not become healthy with a new value. */
export function isUnhealthy({ secrets }: Contained): boolean {
  return Object.values(secrets).some((one) => isContained(one) && one.unhealthy !== undefined)
}

/** No value but the new one is accepted. */
export type Good = Extract<ContainmentVerdict, { readonly version: string }>
export function isContained(one: ContainmentVerdict): one is Good {
  return one.kind === "contained" || one.kind === "contained-for-new-logins"
}

export function verdictsOf(reports: readonly Contained[]): readonly ContainmentVerdict[] {
  return reports.flatMap(({ secrets }) => Object.values(secrets))
}
