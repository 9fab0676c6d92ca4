import { isDeferrable } from "../../core/change-set.ts"
import type { EnvironmentConfig } from "../../config/model.ts"
import { optionsIn } from "./resume-journal.ts"
import { notingWaits } from "../note-waits.ts"
import { makeWay, defer, asJournal } from "../../rotate/defer.ts"
import { mayMakeWay } from "../../rotate/recover.ts"
import { resume } from "../../rotate/resume.ts"
import { Session } from "../../rotate/session.ts"
import type { Outcomes, Work } from "../../rotate/work.ts"

type ResumeDeferred = {
  readonly open: (options: EnvironmentConfig) => Work
  readonly secrets: readonly string[] | undefined
  readonly noWait: boolean
  readonly stops: { follow(session: Session): Session }
}

/**
 * Asks again about the rotations that were put aside, one after the other. What is still undecided
 * stays aside; `session` goes on with the state that results.
 */
export async function resumeDeferred(
  session: Session,
  { open, secrets, noWait, stops }: ResumeDeferred,
): Promise<Outcomes> {
  let all: Outcomes = {}
  const wanted = (session.document.deferred ?? []).filter(
    (set) =>
      isDeferrable(set) &&
      (secrets === undefined || set.secrets.some((name) => secrets.includes(name))),
  )
  for (const set of session.changeSet === undefined && !session.work.stop.aborted ? wanted : []) {
    const one = stops.follow(
      new Session(open(optionsIn(set)), asJournal(session.document, set), session),
    )
    one.work.onProgress("resume", `asking again about the rotation of ${set.startedAt}`)
    try {
      all = { ...all, ...(await notingWaits(one, () => resume(one, { noWait }))) }
      // If nothing was learnt, nothing was written, and the document on the disk is still ours.
      if (one.document.serial !== session.document.serial) await defer(one)
    } finally {
      if (one.document.serial !== session.document.serial)
        session.document = noWait && mayMakeWay(one) ? makeWay(one.document) : one.document
      stops.follow(session)
    }
    if (session.changeSet !== undefined) break
  }
  return all
}
