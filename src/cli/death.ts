import { endLeftBehind, sayLeftBehind, serverLeft } from "../core/places.ts"
import type { Revoked } from "../rotate/revoke/revoked.ts"

/** What became of an older value, as one line and what belongs to it. */
export function deathLines(
  environment: string,
  { secret, version, death }: Revoked,
): readonly string[] {
  const place = `${environment}/${secret}`
  if (death.kind !== "dead") {
    const hint = death.hint === undefined ? [] : [`  hint: ${death.hint}`]
    return [
      `${place}: ${version ?? "what was accepted before the containment"} is NOT proven dead: ` +
        `${death.message} (${death.code})`,
      ...hint,
    ]
  }
  const left = death.expelled?.sessionsLeft
  return [
    version === undefined
      ? `${place}: no other value is accepted any more`
      : `${place}: ${version} is revoked, its login is refused${whereAsked(death)}`,
    ...leftLines(place, version, death),
    ...(left === undefined
      ? []
      : [
          `${place}: sessions that were opened before may live: ${left.message} (${left.code})`,
          ...(left.hint === undefined ? [] : [`  hint: ${left.hint}`]),
        ]),
  ]
}

type Dead = Extract<Revoked["death"], { readonly kind: "dead" }>

/** " at the servers of the config", if it was accepted at others. */
export function whereAsked({ unasked }: Dead): string {
  return unasked === undefined ? "" : " at the servers that the config names"
}

function leftLines(
  place: string,
  version: string | undefined,
  { unasked }: Dead,
): readonly string[] {
  if (version === undefined || unasked === undefined) return []
  const left = [{ version, places: unasked }]
  return [
    `${place}: ${sayLeftBehind(left)} (${serverLeft})`,
    `  hint: ${endLeftBehind(place.split("/")[0] ?? "", left)}`,
  ]
}
