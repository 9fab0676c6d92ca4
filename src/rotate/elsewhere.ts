import { mayHide } from "../base/processes/run-location.ts"
import { type StateDocument } from "../core/state.ts"
import { type ChangeSet, openSetOf } from "../core/change-set.ts"
import { runsProgram } from "./may-leave.ts"
import type { Session } from "./session.ts"

/**
 * Programs (of the driver `exec`, and restart hooks) that an earlier run began, was killed in, and
 * that go on where this run cannot see them: in another process namespace, or on another machine.
 * What cannot be settled is not settled: nothing is called dead, and no program is started beside
 * one that may still run.
 */

type Unseen = { readonly code: "other-namespace"; readonly message: string }

/** Of a journal: undefined where nothing can be hidden from this run. */
export function hiddenOf(session: Session, set: ChangeSet): Unseen | undefined {
  const { location } = session.work
  const where =
    location === undefined || set.ranIn === undefined ? undefined : mayHide(set.ranIn, location)
  return where === undefined ? undefined : unseen(session, where, set.id)
}

/** At the service of `name`: of the journal that it is in, or of an act beside the journals. */
export function hiddenActOf(session: Session, name: string): Unseen | undefined {
  const set = openSetOf(session.document, name)
  const hidden = set === undefined ? undefined : hiddenOf(session, set)
  if (hidden !== undefined) return hidden
  const { unhealthy, unwritten } = session.state(name)
  // A program that reads it and was unhealthy, or was owed a restart, may be restarted beside the
  // journals.
  const again =
    session.document.acting?.again !== undefined && (unhealthy ?? unwritten) !== undefined
  return again || runsProgram(session.work, name) ? hiddenActing(session) : undefined
}

/** Of any act beside the journals. */
export function hiddenActing(session: Session): Unseen | undefined {
  const {
    document: { acting },
    work: { location },
  } = session
  const where =
    location === undefined || acting === undefined ? undefined : mayHide(acting, location)
  return where === undefined ? undefined : unseen(session, where)
}

function unseen({ work, document }: Session, where: string, hooks?: string): Unseen {
  const marks = [
    `exec ${work.environment}/[^#]*#${runIdOf(document)}`,
    ...[hooks, document.acting?.again].flatMap((id) => (id === undefined ? [] : [`${id}/`])),
  ]
  const command = `grep -lszE '^MYCELIUM_RUN=(${marks.join("|")})' /proc/[0-9]*/environ`
  const on = where === "on another machine" ? "on that machine" : "on the host"
  return {
    code: "other-namespace",
    message:
      `a program that an earlier run began may still run ${where}, where this one cannot see ` +
      `it: ${on}, as root, ${command} names it; once that names nothing, ` +
      `mycelium reconcile ${work.environment} --nothing-runs goes on`,
  }
}

/**
 * A state that an older release has written names none: its marks end with the beginning of the
 * state's id.
 */
export function runIdOf({ run, id }: StateDocument): string {
  return run?.id ?? id.slice(0, 8)
}
