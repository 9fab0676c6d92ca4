import type { Output, Values } from "./ports.ts"

/**
 * Has every secret that it shows a value? Of one that shows each by itself, any: the lines of the
 * others stay as they are.
 */
export function canShow(
  { shows, apart }: Pick<Output, "shows" | "apart">,
  values: Values,
): boolean {
  const has = (name: string): boolean => values[name] !== undefined
  return apart === true ? shows.some(has) : shows.every(has)
}

/** Those that it shows and that have none yet. */
export function withoutValue({ shows }: Pick<Output, "shows">, values: Values): readonly string[] {
  return shows.filter((name) => values[name] === undefined)
}
