import type { Injection } from "./plan.ts"

/**
 * `count` of them: each file and call gets the same share, for some are read far more often than
 * others are written.
 */
export function sample(
  all: readonly Injection[],
  count: number,
  random: () => number,
): readonly Injection[] {
  const kinds = [...Map.groupBy(all, ({ path, call }) => `${call} ${path}`).values()].map(
    (kind) => [...kind],
  )
  const chosen: Injection[] = []
  while (chosen.length < Math.min(count, all.length)) {
    const kind = kinds[Math.floor(random() * kinds.length)]
    const one = kind?.splice(Math.floor(random() * kind.length), 1)[0]
    if (one !== undefined) chosen.push(one)
  }
  return chosen
}
