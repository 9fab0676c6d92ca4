import { describeError } from "../base/error.ts"
import { present } from "../base/present.ts"
import type { ChangeSet } from "../core/change-set.ts"
import { inWords, type UnhealthyDeployment } from "../core/unhealthy.ts"
import { Ahead } from "./ahead.ts"
import { driverOf } from "./ask.ts"
import { stopped } from "./cut-off-words.ts"
import { deliver } from "./deliver.ts"
import { giveUp } from "./forward/give-up.ts"
import { type Prepared, nothingPrepared, prepare } from "./forward/prepare.ts"
import { noteVerdicts, recordVerdicts } from "./forward/record-verdicts.ts"
import { revokeFirst } from "./forward/revoke-first.ts"
import { startRollback } from "./forward/turn-back.ts"
import { regressed, undecidedOutcomes, verdictsOf } from "./forward/verdicts.ts"
import { openSet } from "./open-set.ts"
import { waitingFor } from "./outputs-refused.ts"
import { promote } from "./promote.ts"
import { toRestart } from "./readers.ts"
import { restartAll } from "./restart-all.ts"
import type { Session } from "./session.ts"
import { cannotGoBack, discard } from "./show.ts"
import { unhealthyIn } from "./strategy.ts"
import type { Outcomes } from "./work.ts"

/**
 * apply, verify, deliver, restart, promote: what the journal still lacks. `fresh`: the values were
 * generated a moment ago, and nothing outside has seen them. A member whose service gives no clear
 * answer stays in the journal; the others go on.
 */
export async function forward(
  session: Session,
  options: { readonly fresh: boolean; readonly noWait?: boolean },
): Promise<Outcomes> {
  const members = openSet(session).secrets
  // Drafted before any service is touched: a full disk or a drifted file is found now, and the gap
  // stays short.
  let early: Prepared | undefined
  if (options.fresh) {
    try {
      early = await prepare(session, members, { wait: false })
    } catch (error) {
      return giveUp(session, error)
    }
  }
  const { touched } = openSet(session)
  const ahead = early && aheadOf(session, members, early)
  const verdicts = await verdictsOf(session, members, { ...options, ...present({ ahead }) })
  const isAhead = (await ahead?.written()) === true
  const relapse = regressed(session, verdicts, options)
  if (relapse !== undefined)
    return startRollback(session, { ...relapse, touched: openSet(session).touched, going: members })
  const going = members.filter((name) => verdicts.get(name)?.kind === "proven")
  const delivery = await prepareFor(session, { members, going }, early)
  if (isAhead && ahead?.holdsFor(verdicts) === true) noteVerdicts(session, verdicts)
  else await recordVerdicts(session, verdicts, { ...delivery.prepared, takesBack: isAhead })
  const undecided = undecidedOutcomes(verdicts)
  if (going.length === 0) return undecided
  return { ...undecided, ...(await deliverAndPromote(session, going, { ...delivery, touched })) }
}

/**
 * If a service takes one value, programs are locked out from apply to restart: what must be durable
 * before is written meanwhile. In an incident each proof is durable before what follows from it.
 */
function aheadOf(
  session: Session,
  members: readonly string[],
  { before }: Prepared,
): Ahead | undefined {
  const hasGap = members.some((name) => driverOf(session, name).overlap === "one")
  return session.strategy.writesAhead && hasGap ? new Ahead(session, members, before) : undefined
}

type Delivery = { readonly prepared: Prepared; readonly fault?: unknown }

/**
 * The early drafts hold if all members go on; otherwise those that do are drafted by themselves.
 */
async function prepareFor(
  session: Session,
  { members, going }: { readonly members: readonly string[]; readonly going: readonly string[] },
  early: Prepared | undefined,
): Promise<Delivery> {
  if (early !== undefined && going.length === members.length) return { prepared: early }
  if (early !== undefined) await discard(early.ready)
  if (going.length === 0) return { prepared: nothingPrepared }
  try {
    return { prepared: await prepare(session, going) }
  } catch (fault) {
    return { prepared: nothingPrepared, fault }
  }
}

/** `touched`: the deployments that a way back visits if nothing could be delivered. */
async function deliverAndPromote(
  session: Session,
  going: readonly string[],
  { prepared: { ready }, fault, touched }: Delivery & Pick<ChangeSet, "touched">,
): Promise<Outcomes> {
  // No program is cut off yet, and none is to be; without a restart the end is nearer than the next
  // start.
  if (session.work.stop.aborted && toRestart(session, openSet(session)).length > 0) {
    await discard(ready)
    throw stopped(session)
  }
  if (session.strategy.revokesFirst) await revokeFirst(session, going)
  const delivery = fault === undefined ? await outcomeOf(deliver(session, ready)) : { fault }
  if ("fault" in delivery)
    return startRollback(session, { ...describeError(delivery.fault), touched, going })
  // What an entry shows that is waited for works: no program is kept locked out of another for it.
  const unhealthy = await restartAll(session)
  const rest = await outcomeOf(delivery.came())
  if ("fault" in rest && unhealthy.length === 0)
    return startRollback(session, {
      ...describeError(rest.fault),
      touched: openSet(session).touched,
      going,
    })
  if (cannotGoBack(session, openSet(session))) return promotePast(session, going)
  if (unhealthy.length === 0) return promoteShown(session, going)
  return startRollback(session, {
    code: "deployment-unhealthy",
    message: inWords(unhealthy),
    touched: openSet(session).touched,
    going,
  })
}

/**
 * Programs that did not get healthy, now or before a crash, do not undo a value that has no way back.
 */
function promotePast(session: Session, going: readonly string[]): Promise<Outcomes> {
  const set = openSet(session)
  const unhealthy = unhealthyIn(set)
  if (set.contain !== undefined) return promote(session, going, unhealthy)
  if (unhealthy.length > 0) session.work.onProgress("health", inWords(unhealthy))
  return promoteShown(session, going, unhealthy)
}

/** Those that an entry shows which is waited for stay in the journal. */
async function promoteShown(
  session: Session,
  going: readonly string[],
  unhealthy: readonly UnhealthyDeployment[] = [],
): Promise<Outcomes> {
  const waits = waitingFor(session, going)
  const shown = going.filter((name) => waits[name] === undefined)
  return shown.length === 0 ? waits : { ...waits, ...(await promote(session, shown, unhealthy)) }
}

type OutcomeOf<T> = { readonly came: T } | { readonly fault: unknown }

function outcomeOf<T>(act: Promise<T>): Promise<OutcomeOf<T>> {
  return act.then(
    (came): OutcomeOf<T> => ({ came }),
    (fault: unknown): OutcomeOf<T> => ({ fault }),
  )
}
