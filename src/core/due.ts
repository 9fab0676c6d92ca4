/** Why the service rotates a secret by itself: the scheduled time at which it was due, and its cause. */
export type Due = { readonly by: "age" | "weak" | "undated"; readonly tick: string }

/** In a few words, for the log and for a forecast. */
export const dueCauses: Readonly<Record<Due["by"], string>> = {
  age: "its age",
  weak: "its value is easily guessed",
  undated: "its age is unknown",
}

/** "due 2026-11-29 03:00 UTC (its age)". */
export function sayDue({ by, tick }: Due): string {
  return `due ${tick.slice(0, 16).replace("T", " ")} UTC (${dueCauses[by]})`
}
