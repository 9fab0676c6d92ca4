import { AppError } from "../base/error.ts"
import { type LastWords, sayAgain } from "../base/processes/last-words.ts"
import { type ChangeSet, openSets } from "../core/change-set.ts"
import { sayShared, wayOn } from "../core/held-up.ts"
import { versionAt } from "../core/version.ts"
import { type CutOff, cutOff } from "./cut-off.ts"
import { sharedBy, toRestart } from "./readers.ts"
import type { Session } from "./session.ts"

/** What is said of those that are cut off, and of a rotation that ends in the middle. */

export type CutOffLine = { readonly line: string; readonly goesOn: string }

/** What is said where it all ends here. */
export function standing(session: Session): LastWords {
  const lines = cutOffLines(session).map(({ line }) => line)
  const { environment } = session.work
  return {
    lines: lines.length === 0 ? [interrupted(session)] : lines,
    hints: (next) => openSets(session.document).map((set) => wayOn(environment, set, next)),
    cutOff: lines.length > 0,
  }
}

/**
 * Each program and file that is left cut off, and each value of which programs hold the old one and
 * the new one; with what finishes the rotation that it waits for.
 */
export function cutOffLines(session: Session): readonly CutOffLine[] {
  const { environment } = session.work
  const sets = openSets(session.document)
  const all = cutOff(session, { aside: true })
  const cut = all.filter(({ secrets }) => secrets.length > 0)
  const disagreed = new Set(all.flatMap(({ shared }) => shared))
  return [
    ...cut.map((one) => {
      const set = sets.find(({ secrets }) => one.secrets.some((name) => secrets.includes(name)))
      return { line: cutInWords(session, one), goesOn: goesOn(environment, set) }
    }),
    ...sets.flatMap((set) => {
      const secrets = set.secrets.filter((name) => disagreed.has(name))
      const shared = sharedBy(session, secrets)
      return sayShared(environment, { ...set, secrets, shared }).map((line) => ({
        line,
        goesOn: goesOn(environment, set),
      }))
    }),
  ]
}

/** What would be so if it ended now; for a person who has asked for that. */
export function leftNow(session: Session): string {
  const all = cutOff(session)
  const cut = all.filter(({ secrets }) => secrets.length > 0)
  const disagreed = [...new Set(all.flatMap(({ shared }) => shared))]
  const would = (sure: boolean): string => (sure ? "would" : "might")
  const who = cut.length === all.length ? "they" : namesOf(session, cut)
  return [
    ...(cut.length === 0
      ? []
      : [`${who} ${would(cut.every(({ sure }) => sure))} hold a value that no longer works`]),
    ...disagreed.map(
      (name) => `old and new value of ${session.work.environment}/${name} might be in use`,
    ),
  ].join(", ")
}

export function namesOf(session: Session, cut: readonly CutOff[]): string {
  return cut
    .map(({ who, kind }) => (kind === "file" ? who : `${session.work.environment}/${who}`))
    .join(", ")
}

function cutInWords(session: Session, one: CutOff): string {
  const value =
    `a value of ${one.secrets.map((name) => `${session.work.environment}/${name}`).join(", ")} ` +
    "that no longer works"
  const name = namesOf(session, [one])
  if (one.kind === "file") return one.sure ? `${name} shows ${value}` : `${name} may show ${value}`
  return one.sure
    ? `${name} is cut off: it holds ${value}`
    : `${name} may be cut off: it may hold ${value}`
}

/** What was done, and what was not. */
export function interrupted(session: Session): string {
  const {
    changeSet: set,
    work: { environment },
  } = session
  if (set === undefined) return `interrupted: no rotation of ${environment} is left unfinished`
  const name = (secret: string): string => `${environment}/${secret}`
  const parts = set.secrets
    .slice(0, 5)
    .map(
      (secret) =>
        `${name(secret)} ` +
        `${set.direction === "back" ? "goes back to its former value" : stateOf(session, secret)}`,
    )
  if (set.secrets.length > 5) parts.push(`${set.secrets.length - 5} more secrets are under way`)
  const [begun, rest] = partition(
    toRestart(session, set).map((one) => one.name),
    (one) => session.hooks.has(`${set.id}/${one}`),
  )
  if (begun.length > 0)
    parts.push(`the restart of ${begun.map(name).join(", ")} was begun, and is not proven`)
  if (rest.length > 0)
    parts.push(`${rest.map(name).join(", ")} ${rest.length === 1 ? "was" : "were"} not restarted`)
  return `interrupted: ${parts.join("; ")}`
}

function partition(
  names: readonly string[],
  first: (name: string) => boolean,
): readonly [readonly string[], readonly string[]] {
  return [names.filter(first), names.filter((name) => !first(name))]
}

function stateOf(session: Session, secret: string): string {
  const pending = versionAt(session.state(secret), "pending")
  if (session.proven.has(secret) || (pending?.stage.kind === "pending" && pending.stage.proven))
    return "has a new value"
  return session.begun === session.changeSet?.id &&
    (session.holds.get(secret) ?? "former") === "former"
    ? "is not changed yet"
    : "may have a new value"
}

/**
 * What finishes it, and what must come first. On the way back, rotate-now does not end there: what
 * was asked for is begun anew.
 */
export function goesOn(environment: string, set: ChangeSet | undefined): string {
  const next =
    set?.direction === "back"
      ? "run mycelium run --once: it finishes going back; rotate-now does that, too, " +
        "and then begins a new rotation"
      : sayAgain()
  return set === undefined ? next : wayOn(environment, set, next)
}

/** We were asked to stop, or another run asks for the environment. */
export function stopped(session: Session): AppError {
  const { reason } = session.work.stop
  if (reason instanceof AppError) return reason
  return new AppError("stopped", interrupted(session), {
    remedy: "retry",
    ...(session.changeSet === undefined
      ? {}
      : { hint: goesOn(session.work.environment, session.changeSet) }),
  })
}
