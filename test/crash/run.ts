import { isDeferrable } from "../../src/core/change-set.ts"
import { revokeBesideJournal } from "../../src/rotate/revoke/beside.ts"
import { revokeOwed } from "../../src/rotate/revoke.ts"
import { makeWay, defer, asJournal, withJournal } from "../../src/rotate/defer.ts"
import { mayMakeWay, mayOvertake, recover, takeBackJournal } from "../../src/rotate/recover.ts"
import type { Outcomes } from "../../src/rotate/work.ts"
import type { Order } from "../../src/rotate/order.ts"
import { rotate } from "../../src/rotate/rotate.ts"
import { resume } from "../../src/rotate/resume.ts"
import { settleUnwritten } from "../../src/rotate/unwritten/settle.ts"
import { dropStaged } from "../../src/rotate/stage.ts"
import { Session } from "../../src/rotate/session.ts"
import type { World } from "./world.ts"

/** One run of a process in the simulated world. */

export type Ask = Omit<Order, "secrets">

/** One run of a process, as the service does it: end the journal, revoke what is owed, rotate if asked. */
export async function run(
  world: World,
  ask: boolean | Ask,
  cutAt?: number,
): Promise<{ readonly died: boolean; readonly instants: number; readonly outcomes: Outcomes }> {
  const { work, died, process } = world.start(cutAt)
  const life = (async (): Promise<Outcomes> => {
    const first = await Session.load(work)
    world.contained ||= typeof ask === "object" && ask.contain !== undefined
    const noWait = typeof ask === "object" && ask.contain !== undefined
    first.document = withJournal(first.document)
    await dropStaged(first)
    const { session, recovered: ended } = await recover(first, {
      begin: (_set, document, like) => new Session(work, document, like),
      resume: (one) => resume(one, { noWait }),
    })
    const { serial } = session.document
    if (noWait && mayMakeWay(session)) session.document = makeWay(session.document)
    if (session.changeSet !== undefined) {
      await revokeBesideJournal(session, {
        begin: (document) => new Session(work, document, session),
        waits: () => undefined,
        options: { skipGrace: false },
      })
      return ended
    }
    // A containment asks again, before all else, about what was put aside.
    const recovered = noWait ? { ...ended, ...(await resumeDeferred(session)) } : ended
    await revokeOwed(session, { skipGrace: false })
    const overtakes = world.asked.filter((name) => mayOvertake(session, name, recovered[name]))
    const secrets =
      ask === true || ask === false
        ? world.asked
        : world.asked
            .filter((name) => !session.isOpen(name) || overtakes.includes(name))
            .filter((name) => session.state(name).contained?.incident !== ask.incident)
    const outcomes =
      ask === false || secrets.length === 0
        ? {}
        : await rotate(session, {
            secrets,
            ...(ask === true ? ({ why: "due" } as const) : { ...ask, overtakes }),
          })
    if (session.changeSet === undefined) await revokeOwed(session, { skipGrace: false })
    await settleUnwritten(session)
    await takeBackJournal(session, serial)
    return { ...recovered, ...outcomes, ...(await resumeDeferred(session)) }
  })()
  const end = await Promise.race([life, died])
  return { died: end === "died", instants: process.instants, outcomes: end === "died" ? {} : end }
}

/** As app/environment.ts does. */
export async function resumeDeferred(session: Session): Promise<Outcomes> {
  let all: Outcomes = {}
  const aside = (session.document.deferred ?? []).filter(isDeferrable)
  for (const set of session.changeSet === undefined ? aside : []) {
    const one = new Session(session.work, asJournal(session.document, set), session)
    all = { ...all, ...(await resume(one)) }
    if (one.document.serial === session.document.serial) continue
    await defer(one)
    session.document = one.document
    if (session.changeSet !== undefined) break
  }
  return all
}
