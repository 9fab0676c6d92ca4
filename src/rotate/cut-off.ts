import { AppError } from "../base/error.ts"
import { type LastWords, sayAgain } from "../base/processes/last-words.ts"
import { sayShared, wayOn } from "../core/held-up.ts"
import { type ChangeSet, openSets } from "../core/change-set.ts"
import { versionAt } from "../core/version.ts"
import { deploymentsOf, sharedBy, toRestart } from "./readers.ts"
import type { Session } from "./session.ts"
import { strategyOf } from "./strategy.ts"

/**
 * Holds a value that no longer works, or another one than the programs that share it: a program
 * until it is restarted, a file that no deployment reads until it is written.
 */
export type CutOff = {
  readonly who: string
  readonly kind: "program" | "file"
  readonly secrets: readonly string[]
  /** Values that no service asks for: other programs have another one than this. */
  readonly shared: readonly string[]
  readonly sure: boolean
}

export type CutOffLine = { readonly line: string; readonly goesOn: string }

/**
 * By the state, and by what this run has asked and done. `aside`: of journals that wait for a
 * service, too.
 */
export function cutOff(session: Session, { aside = false } = {}): readonly CutOff[] {
  const journal = session.changeSet === undefined ? [] : [session.changeSet]
  const sets = aside ? openSets(session.document) : journal
  const found = new Map<string, CutOff>()
  for (const set of sets) {
    for (const secret of set.secrets) {
      const ends = hasEnded(session, set, secret)
      if (ends === "no") continue
      const isShared = ends === "shared"
      const programs = programsOf(session, set, secret).map((who) => ({
        who,
        kind: "program" as const,
      }))
      const files = (isShared ? [] : filesOf(session, set, secret)).map((who) => ({
        who,
        kind: "file" as const,
      }))
      for (const one of [...programs, ...files]) {
        const { secrets = [], shared = [], sure = true } = found.get(one.who) ?? {}
        found.set(one.who, {
          ...one,
          secrets: isShared ? secrets : [...secrets, secret],
          shared: isShared ? [...shared, secret] : shared,
          sure: sure && (isShared || (ends === "yes" && isSure(session, set, one))),
        })
      }
    }
  }
  return [...found.values()]
}

/**
 * A program whose restart may have begun may have read the new value. On the way back it may hold
 * the former one, which works again.
 */
function isSure(
  session: Session,
  set: ChangeSet,
  { who, kind }: Pick<CutOff, "who" | "kind">,
): boolean {
  if (kind === "file") return true
  const isMine = session.begun === set.id
  const hasBegun = isMine ? session.hooks.has(`${set.id}/${who}`) : set.touched.includes(who)
  return set.direction === "forward" && !hasBegun
}

/** `shared`: no service asks for it, and the programs that share it disagree. */
type HasEnded = "yes" | "maybe" | "no" | "shared"

/** Does the value that programs may hold no longer work? */
function hasEnded(session: Session, set: ChangeSet, name: string): HasEnded {
  const ended = hasBeenReplaced(session, set, name)
  // Its service refused every value of ours when it was last asked: the new one, too.
  return ended === "no" && isStuck(set, name) ? "maybe" : ended
}

function isStuck({ stuck = [] }: ChangeSet, name: string): boolean {
  return stuck.includes(name)
}

function hasBeenReplaced(session: Session, set: ChangeSet, name: string): HasEnded {
  const driver = session.work.drivers[name]
  const mine = session.begun === set.id
  if (driver === undefined) return "no"
  if (driver.overlap === "one") {
    const holds = session.holds.get(name) ?? (mine ? "former" : "either")
    if (holds === "either") return "maybe"
    // On the way back what programs have read may work until the service is put back.
    if (holds === "new" && set.direction === "back") return "maybe"
    return holds === "former" && set.direction === "forward" ? "no" : "yes"
  }
  if (driver.overlap === "none") return disagree(session, set, name) ? "shared" : "no"
  if (!strategyOf(set).revokesFirst) return "no"
  if (session.cutting.has(name)) return "yes"
  return !mine && set.before !== undefined ? "maybe" : "no"
}

/**
 * No service asks for it: programs that share it no longer agree once the first of them may have
 * read the new one.
 */
function disagree(session: Session, set: ChangeSet, name: string): boolean {
  const renamed = session
    .outputsOf([name])
    .some(
      ({ target }) =>
        session.renamed.has(target) ||
        (session.begun !== set.id && set.before?.[target] !== undefined),
    )
  return renamed && deploymentsOf(session, [name]).length > 1
}

function programsOf(session: Session, set: ChangeSet, name: string): readonly string[] {
  const all = deploymentsOf(session, [name]).map((one) => one.name)
  // A restart helps none of them.
  if (isStuck(set, name)) return all
  const readers = all.filter((one) => !set.restarted.includes(one))
  if (set.direction === "forward") return readers
  // On the way back: first the service is asked, and put back; then those are cut off that have
  // seen the new value.
  const isBack =
    session.work.drivers[name]?.overlap !== "one" || session.holds.get(name) === "former"
  return isBack ? readers.filter((one) => set.touched.includes(one)) : readers
}

function filesOf(session: Session, set: ChangeSet, name: string): readonly string[] {
  const read = new Set(session.work.deployments.flatMap(({ reads }) => reads))
  const alone = session
    .outputsOf([name])
    .map(({ target }) => target)
    .filter((target) => !read.has(target))
  if (set.direction === "forward") return alone.filter((target) => !session.delivered.has(target))
  return alone.filter(
    (target) => set.before?.[target] !== undefined && !session.restored.has(target),
  )
}

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
