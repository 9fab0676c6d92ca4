import type { AuditEvent } from "../core/audit-line.ts"
import { sayLeft } from "../core/left.ts"
import type { Finding } from "../core/ports.ts"
import type { Patch } from "../core/state.ts"
import { stopped } from "./cut-off-words.ts"
import { driftCode, driftNotes } from "./drift.ts"
import { forward } from "./forward.ts"
import { generate } from "./generate.ts"
import { leftBeside } from "./left.ts"
import { needOf } from "./need.ts"
import { noteFailure } from "./note-failure.ts"
import { preflight } from "./preflight.ts"
import { allLeft } from "./preflight/outputs.ts"
import type { Preflight } from "./preflight/result.ts"
import type { Session } from "./session.ts"
import { type Strategy, strategyOf } from "./strategy.ts"
import { tellLeft } from "./unwritten.ts"
import type { Outcomes } from "./work.ts"
import type { Order } from "./order.ts"

/** Rotates these secrets in one change set, all the way. No journal may be open. */
export async function rotate(session: Session, order: Order): Promise<Outcomes> {
  const strategy = strategyOf(order)
  const found = await preflight(session, order).catch((error: unknown) =>
    Promise.reject(session.work.stop.aborted ? stopped(session) : error),
  )
  const { members, left, findings, programs, shown, leaves } = found
  if (session.work.stop.aborted) throw stopped(session)
  if (strategy.logsWhatItEnds) remarkFound(session, members, findings)
  const obstacles = [
    ...programs.flatMap((one) => one.findings),
    ...members.flatMap((name) => session.work.obstacles?.[name] ?? []),
  ]
  for (const message of told(obstacles, strategy)) session.work.onProgress("preflight", message)
  if (!strategy.overrulesService) await noteDrift(session, left)
  if (order.why === "due") await noteSkipped(session, left)
  if (members.length === 0) return left
  for (const { target, left } of await leftBeside(session, members))
    session.work.onProgress("preflight", sayLeft(target, session.work.environment, left))
  try {
    await session.work.ledger.reserve?.(
      needOf(session, members, { shown, leavesUnwritable: strategy.leavesUnwritable }),
    )
  } catch (error) {
    return { ...left, ...allLeft(members, error) }
  }
  tellLeft(session, leaves)
  await generate(session, order, found)
  return { ...left, ...(await forward(session, { fresh: true })) }
}

/**
 * What an incident ends is gone then: that it was there is for those who ask later, and stands in
 * the log.
 */
function remarkFound(
  session: Session,
  members: readonly string[],
  findings: Preflight["findings"],
): void {
  for (const secret of members)
    for (const { code, message, yields } of findings[secret] ?? [])
      if (yields === true) session.queueEvent({ event: "found", secret, code, message })
}

/**
 * What does not hold a rotation up (in an incident: nothing does) is told, so that who looks on has
 * time to act on it.
 */
function told(
  findings: readonly Finding[],
  { needsRunnablePrograms }: Strategy,
): ReadonlySet<string> {
  const found = findings.filter(({ severity }) => !needsRunnablePrograms || severity !== "error")
  return new Set(
    found.map(({ message, remedy }) => (remedy === undefined ? message : `${message}: ${remedy}`)),
  )
}

/** Anyone who looks at the state sees at once that what it shows is not what its service takes. */
async function noteDrift(session: Session, left: Outcomes): Promise<void> {
  const names = Object.entries(left).flatMap(([name, one]) =>
    one.kind === "left" && one.code === driftCode ? [name] : [],
  )
  const { patches, events } = driftNotes(session, names)
  if (events.length > 0) await session.commit({ patches, events, flush: true })
}

/** What waits for something of its own, and is asked nothing meanwhile. */
const waits = new Set(["in-grace", "revoke-owed", "uncertain", driftCode])

/**
 * The service tries again by itself, ever more seldom: each try costs its service a login that must
 * fail.
 */
async function noteSkipped(session: Session, left: Outcomes): Promise<void> {
  const patches: Record<string, Patch> = {}
  const events: AuditEvent[] = []
  for (const [name, one] of Object.entries(left)) {
    if (one.kind !== "left" || waits.has(one.code)) continue
    // A program that a way back has left unhealthy stays that, however it is found so again.
    const code =
      one.code === "deployment-unhealthy" && session.state(name).retry?.code === "back-unhealthy"
        ? "back-unhealthy"
        : one.code
    patches[name] = noteFailure(session, { code, message: one.message })
    events.push({ event: "left", secret: name, code: one.code })
  }
  if (events.length > 0) await session.commit({ patches, events, flush: true })
}
