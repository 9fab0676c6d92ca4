import type { App } from "../app/app.ts"
import { unlistedRemedy } from "../core/unlisted.ts"
import type { Contained } from "../incident/containment.ts"
import type { Elsewhere } from "../incident/left-elsewhere.ts"
import type { ContainmentVerdict } from "../incident/verdict.ts"
import {
  isUnknown,
  showsLeaked,
  unwrittenOf,
  verdictsOf,
  wasUnasked,
} from "./containment-verdicts.ts"
import { counted, hintLines } from "./words.ts"

/** The end of what a containment of all its environments says, for a person. */

/** What the same incident was chosen for before, and this command was not. */
export function elsewhereLines(
  elsewhere: readonly Elsewhere[],
  { config: { environments } }: Pick<App, "config">,
  incident: string,
): readonly string[] {
  return elsewhere.flatMap(({ environment, secret, code }) => {
    const place = `${environment}/${secret}`
    const isListed = environments[environment]?.secrets[secret] !== undefined
    return [
      `${place}: NOT contained; it was chosen for this incident before, and not now (${code})`,
      ...hintLines(
        isListed
          ? `this contains it: mycelium rotate-now ${place} --contain --incident ${incident}`
          : unlistedRemedy(place, undefined),
      ),
    ]
  })
}

/** The end of it: how the incident stands. */
export function lastLines(
  reports: readonly Contained[],
  incident: string,
  { tookMs, elsewhere }: { readonly tookMs: number; readonly elsewhere: number },
): readonly string[] {
  const took = `in ${(tookMs / 1000).toFixed(1)} s`
  const verdicts = verdictsOf(reports)
  const count = (kind: ContainmentVerdict["kind"]): number =>
    verdicts.filter((one) => one.kind === kind).length
  const left = count("not-contained") + reports.filter(isUnknown).length + elsewhere
  if (left > 0)
    return [
      `${incident}: NOT all contained, ${left} left. The same command with ` +
        `--incident ${incident} continues where it was, and does nothing twice.`,
    ]
  const sessions = count("contained-for-new-logins")
  const owes = `${owedWords(reports)}${unaskedWords(reports)}${reports.some(showsLeaked) ? "; a file that programs read shows a value that leaked, and is named above" : ""}`
  if (sessions > 0)
    return [
      `${incident}: contained for new logins, ${took}; of ${counted(sessions, "secret")}, ` +
        "sessions that were opened before may live. Nothing more is owed at the services; " +
        `once mycelium may end them, the same command with --incident ${incident} does${owes}.`,
    ]
  if (count("contained") === 0) return [`${incident}: there was nothing to contain`]
  const deleted = count("nothing-to-contain") === 0 ? "" : "; what was deleted is not counted"
  return [`${incident}: contained, ${took}${owes}${deleted}`]
}

function unaskedWords(reports: readonly Contained[]): string {
  const count = verdictsOf(reports).filter(wasUnasked).length
  if (count === 0) return ""
  return (
    `; ${counted(count, "secret")} contained before could not be asked about again, ` +
    `and ${count === 1 ? "is" : "are"} named above`
  )
}

function owedWords(reports: readonly Contained[]): string {
  const owed = unwrittenOf(reports)
  if (owed.length === 0) return ""
  const what = owed.some(({ outputs }) => Object.keys(outputs).length > 0)
    ? "not all that programs read is written"
    : "not every program was restarted"
  return `; ${what}: that is owed, and named above`
}
