import type { EnvironmentConfig } from "../../config/model.ts"
import type { ChangeSet } from "../../core/change-set.ts"
import { makeWay } from "../../rotate/defer.ts"
import { type Recovered, mayMakeWay, recover } from "../../rotate/recover.ts"
import { resume } from "../../rotate/resume.ts"
import { Session } from "../../rotate/session.ts"
import type { Outcomes, Work } from "../../rotate/work.ts"
import { notingWaits } from "../note-waits.ts"
import { type RetryBudget, resumeWithRetries } from "../retry-budget.ts"

type Patience = {
  readonly retryBudget: RetryBudget
  /** A containment asks once, and goes on beside what cannot be ended now. */
  readonly noWait: boolean
}

type ResumeJournal = Patience & {
  /** What became of each, as soon as it is known. */
  readonly onEnded: (outcomes: Outcomes) => void
  readonly open: (options: EnvironmentConfig) => Work
  readonly today: EnvironmentConfig
  readonly stops: { follow(session: Session): Session }
}

/**
 * Ends what a crash left, each rotation with the options that it was started with; only then is
 * today's config looked at, unless one stays open.
 */
export async function resumeJournal(
  session: Session,
  { open, today, retryBudget, noWait, stops, onEnded }: ResumeJournal,
): Promise<Recovered> {
  const { session: last, recovered } = await recover(session, {
    begin: (set, found, like) => stops.follow(new Session(open(optionsIn(set)), found, like)),
    resume: async (one) => {
      const outcomes = await goOn(one, { noWait, retryBudget })
      onEnded(outcomes)
      return outcomes
    },
  })
  const isOver = last.changeSet === undefined || (noWait && mayMakeWay(last))
  if (!isOver) return { session: last, recovered }
  const next = stops.follow(new Session(open(today), makeWay(last.document), last))
  return { session: next, recovered }
}

/** The options that a rotation was started with. */
export function optionsIn({ startedWith }: Pick<ChangeSet, "startedWith">): EnvironmentConfig {
  return JSON.parse(startedWith) as EnvironmentConfig
}

function goOn(session: Session, { noWait, retryBudget }: Patience): Promise<Outcomes> {
  const { direction, startedAt } = session.changeSet ?? {}
  session.work.onProgress(
    "resume",
    `${direction === "back" ? "going back" : "going on"} with the rotation of ${startedAt ?? ""}`,
  )
  return noWait
    ? notingWaits(session, () => resume(session, { noWait }))
    : resumeWithRetries(session, retryBudget)
}
