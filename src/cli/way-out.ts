import type { Outcome } from "../rotate/work.ts"

/** For an address at which no server answers. */
export const isItRunning = "is the server running, and does the address name it?"

/** What a person can do about a rotation that only a person can end. */
export function wayOut(environment: string, outcome: Outcome): readonly string[] {
  if (outcome.kind === "waiting" && outcome.code === "unreachable")
    return [`  hint: ${isItRunning}`]
  if (outcome.kind !== "stuck") return []
  const sealed =
    "  no further step is taken until then; every value that was ever given to a service is " +
    "sealed in the state"
  if (outcome.code === "drifted")
    return [
      sealed,
      `  hint: mycelium reconcile ${environment} makes that value the current one; files and programs follow`,
    ]
  if (outcome.code !== "stuck") return [sealed]
  return [
    sealed,
    `  hint: if you know the password that works, give it: mycelium adopt ${environment} ` +
      "--ask (or put it into the output, and leave out --ask); it becomes current, " +
      "files and programs follow, the rotation ends",
    "  hint: else set the password at the service by hand to the one that the output shows, " +
      "and run the same command again; mycelium help operations shows how to open any other",
  ]
}
