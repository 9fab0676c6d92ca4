import { type ChangeSet, openSets } from "../core/change-set.ts"
import { deploymentsOf } from "./readers.ts"
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
  // Its service refused every known value when it was last asked: the new one, too.
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
