import type { StateDocument } from "../../core/state.ts"
import { defineCheck } from "./check.ts"

/**
 * No value may stand for two things: anyone who learns the one has the other. Compared by fingerprint
 * over the whole store.
 */

export const shared = defineCheck({
  name: "one value, one secret",
  faults: {
    "value-shared": { severity: "error", remedy: "rotate one of them: mycelium rotate-now" },
  },
  inspect: ({ documents, isListed = () => true, isLeft = () => false }: Shared, report) => {
    const live = documents.flatMap(liveIn)
    const owners = new Map<string, Set<string>>()
    for (const { place, fingerprint } of live)
      owners.set(fingerprint, (owners.get(fingerprint) ?? new Set()).add(place))
    const pairs = new Set(
      [...owners.values()]
        .filter((places) => places.size > 1)
        .map((places) => [...places].sort().join(" and ")),
    )
    const both = oneLogin(live.filter(({ place }) => !isLeft(place)))
    for (const [places, login] of both)
      report.found("value-shared", `${places} rotate the same login${login}`, {
        remedy:
          "take it out of one of them: each rotation there changes the password that the " +
          "other one's programs hold; rotate neither before that",
      })
    for (const places of pairs)
      if (!both.has(places))
        report.found("value-shared", `${places} have the same value`, {
          remedy: remedyOf(places.split(" and "), isListed),
        })
    return `none of ${owners.size} live values is used twice in the store`
  },
})

export type Shared = {
  readonly documents: readonly StateDocument[]
  /** "shop/production/db": can this config rotate it? */
  readonly isListed?: (place: string) => boolean
  /** It is of this project, and its config has it no more: it rotates nothing. */
  readonly isLeft?: (place: string) => boolean
}

function remedyOf(places: readonly string[], isListed: (place: string) => boolean): string {
  const own = places.filter(isListed).at(-1)
  if (own !== undefined)
    return `give one of them a value of its own: mycelium rotate-now ${own.split("/").slice(-2).join("/")}`
  return (
    "none of them is in this config: rotate one of them with the config that it is in, " +
    "or erase there what is not needed any more (mycelium delete)"
  )
}

type Live = {
  readonly place: string
  readonly fingerprint: string
  /** Whose value it is, with the kind of its service; none where that is not known. */
  readonly logins: readonly string[]
}

/** Values that may be accepted somewhere; what is kept is dead. */
function liveIn(document: StateDocument): readonly Live[] {
  return Object.entries(document.secrets).flatMap(([secret, { versions, driver, logins = [] }]) =>
    versions
      .filter(({ stage }) => stage.kind !== "retired")
      .flatMap(({ fingerprints }) =>
        Object.values(fingerprints).map((fingerprint) => ({
          place: `${document.project}/${document.environment}/${secret}`,
          fingerprint,
          logins: logins.map((login) => `${driver} ${login}`),
        })),
      ),
  )
}

/** Secrets of the store that rotate one login, with it in words, whatever values they hold now. */
function oneLogin(live: readonly Live[]): ReadonlyMap<string, string> {
  const holders = new Map<string, Set<string>>()
  for (const { place, logins } of live)
    for (const login of logins) holders.set(login, (holders.get(login) ?? new Set()).add(place))
  return new Map(
    [...holders]
      .filter(([, places]) => places.size > 1)
      .map(([login, places]) => [[...places].sort().join(" and "), sayLogin(login)]),
  )
}

/** What a program of the operator is told of its login is not for a line of words. */
function sayLogin(login: string): string {
  return login.startsWith("exec ") ? "" : `: ${login.slice(login.indexOf(" ") + 1)}`
}
