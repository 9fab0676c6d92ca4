import type { ChangeSet, Waits } from "./state.ts"

/**
 * A rotation that has not come to its end, in words for those who look without a key: what turned
 * it back, what holds it up now, and who is cut off meanwhile; pure.
 */

/** "going back, because api did not get healthy; held up since 2026-11-30 03:10 UTC: …". */
export function sayJournal(environment: string, { direction, fault, waits }: ChangeSet): string {
  return [
    `going ${direction}${fault === undefined ? "" : `, because ${fault.message}`}`,
    ...(waits === undefined ? [] : [sayWaits(environment, waits)]),
  ].join("; ")
}

function sayWaits(environment: string, { since, secret, code, message }: Waits): string {
  return `held up since ${since.slice(0, 16).replace("T", " ")} UTC: ${environment}/${secret}: ${message} (${code})`
}

/**
 * What cannot wait for the next try: a program or a file is cut off, or nobody can end it without a
 * person.
 */
export function harmOf(environment: string, set: ChangeSet): readonly string[] {
  const { cuts = [], stuck = [], restarted, direction, waits } = set
  const isOpen = (name: string): boolean => !restarted.includes(name)
  const noted = Object.entries(waits?.cutOff ?? {}).filter(([name]) => isOpen(name))
  const sure = [
    ...noted.filter(([, kind]) => kind === "is").map(([name]) => name),
    ...cuts.filter(
      (name) => direction === "forward" && isOpen(name) && waits?.cutOff?.[name] === undefined,
    ),
  ]
  const maybe = [...noted.map(([name]) => name), ...cuts.filter(isOpen)].filter(
    (name) => !sure.includes(name),
  )
  return [
    ...stuck.map(
      (name) => `the service of ${environment}/${name} refuses every value that we know`,
    ),
    ...said(environment, sure, { one: "holds", more: "hold", file: "shows" }),
    ...said(environment, maybe, { one: "may hold", more: "may hold", file: "may show" }),
  ]
}

type Verbs = { readonly one: string; readonly more: string; readonly file: string }

/** A file is named by its path, a program within its environment. */
function said(environment: string, names: readonly string[], verbs: Verbs): readonly string[] {
  const all = [...new Set(names)]
  const programs = all.filter((name) => !name.startsWith("/"))
  const value = "a value that no longer works"
  return [
    ...(programs.length === 0
      ? []
      : [
          `${programs.map((name) => `${environment}/${name}`).join(", ")} ${programs.length === 1 ? verbs.one : verbs.more} ${value}`,
        ]),
    ...all.filter((name) => name.startsWith("/")).map((path) => `${path} ${verbs.file} ${value}`),
  ]
}
