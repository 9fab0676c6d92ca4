import type { EnvironmentConfig } from "../config/model.ts"
import { notingWaits } from "./note-waits.ts"
import { isParkable, makeWay, park, takenUp } from "../rotate/park.ts"
import { mayMakeWay } from "../rotate/recover.ts"
import { resume } from "../rotate/rotate.ts"
import { Session } from "../rotate/session.ts"
import type { Outcomes, Work } from "../rotate/work.ts"

type TakeUp = {
  readonly open: (options: EnvironmentConfig) => Work
  readonly secrets: readonly string[] | undefined
  readonly hasty: boolean
  readonly ends: { follow(session: Session): Session }
}

/**
 * One after the other; what is still undecided stays aside. `session` goes on with what has become
 * of them.
 */
export async function takeUp(
  session: Session,
  { open, secrets, hasty, ends }: TakeUp,
): Promise<Outcomes> {
  let all: Outcomes = {}
  const wanted = (session.document.parked ?? []).filter(
    (set) =>
      isParkable(set) &&
      (secrets === undefined || set.secrets.some((name) => secrets.includes(name))),
  )
  for (const set of session.changeSet === undefined && !session.work.stop.aborted ? wanted : []) {
    const one = ends.follow(
      new Session(
        open(JSON.parse(set.startedWith) as EnvironmentConfig),
        takenUp(session.document, set),
        session,
      ),
    )
    one.work.tell("resume", `asking again about the rotation of ${set.startedAt}`)
    try {
      all = { ...all, ...(await notingWaits(one, () => resume(one, { hasty }))) }
      // Where nothing was learnt, nothing was written, and the document on the disk is the one that
      // we had.
      if (one.document.serial !== session.document.serial) await park(one)
    } finally {
      if (one.document.serial !== session.document.serial)
        session.document = hasty && mayMakeWay(one) ? makeWay(one.document) : one.document
      ends.follow(session)
    }
    if (session.changeSet !== undefined) break
  }
  return all
}
