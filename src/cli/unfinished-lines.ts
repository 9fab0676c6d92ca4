import type { Unfinished } from "../incident/dry-run/plan.ts"
import { sayIf } from "./words.ts"

/** A rotation that is not finished, for a person. */

/** Without a full stop: what ends it differs by command. */
export function unfinishedLine(
  environment: string,
  { startedAt, direction, secrets }: Pick<Unfinished, "startedAt" | "direction" | "secrets">,
): string {
  return (
    `${environment}: the rotation of ${startedAt.slice(0, 19)}Z is not finished (going ` +
    `${direction === "back" ? "back" : "on"}): ${secrets.join(", ")}`
  )
}

/** What is not finished and cannot be ended now, and why. */
export function keptLinesOf(
  environment: string,
  { kept = [], ...one }: Pick<Unfinished, "startedAt" | "direction" | "secrets" | "kept">,
): readonly string[] {
  return [
    `${unfinishedLine(environment, one)}. It cannot be ended now, and stays open:`,
    ...kept.map(
      ({ secret, message, code }) =>
        `  ${secret === undefined ? "" : `${environment}/${secret}: `}${message} (${code})`,
    ),
  ]
}

/** Of one that cannot be ended as it is: what this command does with it before all else. */
export function stayingLines(environment: string, one: Unfinished): readonly string[] {
  const { goesOn, takenOut, ends, mayGoBack, restarts } = one
  const [, ...whys] = keptLinesOf(environment, one)
  const head =
    ends === true ? "It cannot be ended as it is" : "It cannot be ended now, and stays open"
  const back = "It may turn back, or stay open"
  return [
    `${unfinishedLine(environment, one)}. ${mayGoBack === true ? back : head}:`,
    ...whys,
    ...(goesOn.length === 0
      ? []
      : [
          `  this command first goes on with ${goesOn.join(", ")} in ` +
            `it${sayIf(mayRestart(restarts), (words) => `, and ${words}`)}`,
        ]),
    ...(goesOn.length === 0 && restarts.length > 0
      ? [`  if it turns back, this command ${mayRestart(restarts) ?? ""} for that, before all else`]
      : []),
    ...(takenOut.length === 0
      ? []
      : [
          `  the containment takes ${takenOut.join(", ")} out of ` +
            `it${ends === true ? ", and so ends it" : ""}`,
        ]),
  ]
}

export function mayRestart(restarts: readonly string[]): string | undefined {
  return restarts.length === 0 ? undefined : `may restart ${restarts.join(", ")}`
}
