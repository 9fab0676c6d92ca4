import type { ChangeSet, Waits } from "./change-set.ts"
import type { RevokeHeld, SecretState } from "./state.ts"

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
  return (
    `held up since ${since.slice(0, 16).replace("T", " ")} UTC: ${environment}/${secret}: ` +
    `${message} (${code})`
  )
}

/**
 * What cannot wait for the next try: a program or a file is cut off, or only a person can end it.
 */
export function harmOf(environment: string, set: ChangeSet): readonly string[] {
  const { cuts = [], stuck = [], restarted, touched, direction, waits } = set
  const isOpen = (name: string): boolean => !restarted.includes(name)
  const noted = Object.entries(waits?.cutOff ?? {}).filter(([name]) => isOpen(name))
  // One whose restart may have begun may have read the new value.
  const holdsFormer = (name: string): boolean => direction === "forward" && !touched.includes(name)
  const sure = [
    ...noted.flatMap(([name, kind]) =>
      kind === "is" && (name.startsWith("/") || holdsFormer(name)) ? [name] : [],
    ),
    ...cuts.filter(
      (name) => holdsFormer(name) && isOpen(name) && waits?.cutOff?.[name] === undefined,
    ),
  ]
  const maybe = [...noted.map(([name]) => name), ...cuts.filter(isOpen)].filter(
    (name) => !sure.includes(name),
  )
  return [
    ...stuck.map((name) => sayStuck(environment, name, waits)),
    ...said(environment, sure, { one: "holds", more: "hold", file: "shows" }),
    ...said(environment, maybe, { one: "may hold", more: "may hold", file: "may show" }),
    ...sayShared(environment, set),
  ]
}

type Shared = Pick<
  ChangeSet,
  "secrets" | "direction" | "touched" | "restarted" | "notRestarted" | "shared"
>

/**
 * Of values that no service asks for: the programs that share one disagree, if some of them have
 * restarted, or may have. "old and new value of production/key are in use: production/b has the new
 * one, production/a has the old one".
 */
export function sayShared(environment: string, set: Shared): readonly string[] {
  return Object.entries(set.shared ?? {})
    .filter(([secret]) => set.secrets.includes(secret))
    .flatMap(([secret, readers]) => {
      const { fresh, unclear, old } = holdersOf(set, readers)
      if (fresh.length + unclear.length === 0 || unclear.length + old.length === 0) return []
      const who = (names: readonly string[]): string =>
        names.map((name) => `${environment}/${name}`).join(", ")
      const has = (names: readonly string[], which: string): readonly string[] =>
        names.length === 0
          ? []
          : [`${who(names)} ${names.length === 1 ? "has" : "have"} the ${which} one`]
      const parts = [
        ...has(fresh, "new"),
        ...(unclear.length === 0 ? [] : [`${who(unclear)} may have either`]),
        ...has(old, "old"),
      ]
      const are = fresh.length > 0 && old.length > 0 ? "are" : "may be"
      return [`old and new value of ${environment}/${secret} ${are} in use: ${parts.join(", ")}`]
    })
}

type Holders = Readonly<Record<"fresh" | "unclear" | "old", readonly string[]>>

/** A program whose restart may have begun, and is not proven, may hold either. */
function holdersOf(
  { direction, touched, restarted, notRestarted = [] }: Shared,
  readers: readonly string[],
): Holders {
  const done = readers.filter((name) => restarted.includes(name) && !notRestarted.includes(name))
  const rest = readers.filter((name) => !done.includes(name))
  const unclear = rest.filter((name) => touched.includes(name))
  const untouched = rest.filter((name) => !touched.includes(name))
  return direction === "forward"
    ? { fresh: done, unclear, old: untouched }
    : { fresh: [], unclear, old: [...done, ...untouched] }
}

function sayStuck(environment: string, secret: string, waits: Waits | undefined): string {
  const isAnother = waits?.secret === secret && waits.code !== "stuck"
  return isAnother
    ? `only a person can end the rotation of ${environment}/${secret}`
    : `the service of ${environment}/${secret} refuses every value that we know`
}

/** What a person does to end a rotation that no run ends by itself, by code. */
const personsWays: ReadonlyMap<string, (environment: string) => string> = new Map([
  ["stuck", (name) => `mycelium adopt ${name} --ask takes over the value that works, and ends it`],
  ["drifted", (name) => `mycelium reconcile ${name} makes that value the current one, and ends it`],
])

/** What finishes this rotation: `next`, after what must come first, as far as the state knows. */
export function wayOn(
  environment: string,
  { stuck = [], waits }: Pick<ChangeSet, "stuck" | "waits">,
  next: string,
): string {
  const person = "only a person can end this rotation"
  if (waits === undefined) {
    const [secret] = stuck
    return secret === undefined
      ? next
      : `${person}: ${sayStuck(environment, secret, waits)}; then ${next}`
  }
  const { secret, code, message } = waits
  const cause = `${environment}/${secret}: ${message} (${code})`
  const way = personsWays.get(code)?.(environment)
  if (way !== undefined) return `${person}: ${cause}; ${way}`
  return `${stuck.includes(secret) ? person : "this must be over first"}: ${cause}; then ${next}`
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
          `${programs.map((name) => `${environment}/${name}`).join(", ")} ` +
            `${programs.length === 1 ? verbs.one : verbs.more} ${value}`,
        ]),
    ...all.filter((name) => name.startsWith("/")).map((path) => `${path} ${verbs.file} ${value}`),
  ]
}

/** Of a secret that is in a rotation which is not finished. */
export const revokeWaits = "its revoke waits for its own rotation, which is not finished"

/** Why a version that is past its grace was not taken away; undefined: no try has failed. */
export function heldRevoke(
  { revokeHeld, versions }: Pick<SecretState, "revokeHeld" | "versions">,
  id: string,
): RevokeHeld | undefined {
  const isOwed = versions.some(
    (one) => one.id === id && ["previous", "uncertain"].includes(one.stage.kind),
  )
  return isOwed && revokeHeld?.version === id ? revokeHeld : undefined
}

/** "at the last try: api is not healthy any more … (deployment-unhealthy)". */
export function sayRevokeHeld({ code, message }: Pick<RevokeHeld, "code" | "message">): string {
  return `at the last try: ${message} (${code})`
}

/** Of one that is not in it: `heldBy` in `core/change-set.ts`. */
export function rotationWaits({ secrets }: Pick<ChangeSet, "secrets">): string {
  return `its next rotation waits for that of ${secrets.join(", ")}, which is not finished`
}
