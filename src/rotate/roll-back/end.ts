import type { AuditEvent } from "../../core/audit-line.ts"
import { type Patch } from "../../core/state.ts"
import type { ChangeSet, Refusal } from "../../core/change-set.ts"
import { type Stage, versionAt } from "../../core/version.ts"
import { changeVersion } from "../../core/version-changes.ts"
import { noteHealthy } from "../../core/unhealthy.ts"
import { driverOf } from "../ask.ts"
import { mayHaveShown, waitsForReaders } from "../entry-readers.ts"
import { endedOf, withMarks } from "../marks.ts"
import { noteFailure } from "../note-failure.ts"
import { proveDead } from "../revoke/prove-dead.ts"
import type { Back } from "./services.ts"
import type { Session } from "../session.ts"
import type { Refusals } from "../unwritten.ts"
import { owedBack } from "../unwritten/owed.ts"
import { type Outcome, type Outcomes, waitsForAnother } from "../work.ts"

type Came = {
  readonly backs: ReadonlyMap<string, Back>
  /** Outputs of those that have not come back. */
  readonly held: readonly string[]
  /** Files that could not be put back. */
  readonly failed: Refusals
}

/** One durable write: what has gone back leaves the journal; the rest waits in it. */
export async function end(session: Session, came: Came, fault: Fault): Promise<Outcomes> {
  const set = session.changeSet
  if (set === undefined) return {}
  // On the way back only what got healthy counts as restarted.
  const patches: Record<string, Patch> = { ...noteHealthy(session.document, set.restarted) }
  const events: AuditEvent[] = []
  const { waits, ending } = sorted(session, came)
  const outcomes: Record<string, Outcome> = { ...waits }
  const stages = await Promise.all(ending.map((one) => givenUp(session, one)))
  ending.forEach(({ name, id }, index) => {
    const stage = stages[index]
    if (stage === undefined) return
    const [noted, owes] = [patches[name], owedBack(session, set, name)]
    patches[name] = (state) =>
      owes(
        noteFailure(
          session,
          fault,
        )(changeVersion(id, (version) => ({ ...version, stage }))(noted?.(state) ?? state)),
      )
    events.push({ event: "rolled-back", secret: name, version: id, code: fault.code })
    outcomes[name] = { kind: "rolled-back", ...fault }
  })
  const rest = set.secrets.filter((name) => outcomes[name]?.kind !== "rolled-back")
  const stuck = rest.filter((name) => came.backs.get(name)?.kind === "stuck")
  const left = (): ChangeSet =>
    withMarks(session, { ...set, secrets: rest }, { ended: endedOf(session, rest), stuck })
  await session.commit({
    patches,
    events,
    changeSet: rest.length === 0 ? null : left(),
    flush: true,
  })
  return outcomes
}

/** A reader of an entry may go on with it until it has read the former value again. */
function keptForReaders(session: Session, name: string): Stage | undefined {
  const { changeSet: set, urgent, work } = session
  if (set === undefined || urgent || driverOf(session, name).overlap !== "both") return undefined
  const entries = mayHaveShown(session, set, name)
  if (entries.length === 0) return undefined
  return waitsForReaders(entries, work.host.now())
}

type Fault = { readonly code: string; readonly message: string }
type Ending = { readonly name: string; readonly id: string; readonly dead: boolean }

/** Of those that came back, the ones that a held output shows wait with it. */
function sorted(
  session: Session,
  { backs, held, failed }: Came,
): { readonly waits: Outcomes; readonly ending: readonly Ending[] } {
  const waits: Record<string, Outcome> = {}
  const ending: Ending[] = []
  for (const [name, back] of backs) {
    const pending = versionAt(session.state(name), "pending")
    const targets = session.outputsOf([name]).map(({ target }) => target)
    const why = targets.map((target) => failed[target]).find((one) => one !== undefined)
    if (back.kind !== "back") waits[name] = back
    else if (pending === undefined) continue
    else if (why !== undefined) waits[name] = { kind: "waiting", by: "file", ...said(why) }
    else if (targets.some((target) => held.includes(target))) waits[name] = besideUndecided
    else ending.push({ name, id: pending.id, dead: back.dead })
  }
  return { waits, ending }
}

function said({ code, message }: Refusal): Refusal {
  return { code, message }
}

const besideUndecided: Outcome = {
  kind: "waiting",
  code: waitsForAnother,
  message:
    "an output shows it beside a secret for which it is not yet known which value its service accepts",
}

/**
 * No value that was handed out is erased: it is kept once a login with it is refused, uncertain
 * until then.
 */
async function givenUp(session: Session, { name, id, dead }: Ending): Promise<Stage> {
  const kept: Stage = { kind: "retired", since: session.work.host.now().toISOString() }
  if (dead) return kept
  const keeps = keptForReaders(session, name)
  if (keeps !== undefined) return keeps
  const { pending, current } = await session.versions(name)
  if (pending === undefined || current === undefined)
    return { kind: "uncertain", why: "given up, its death not proven" }
  const death = await proveDead(session, name, {
    id,
    old: pending,
    live: current,
    endSessions: false,
  })
  return death.kind === "dead" ? kept : { kind: "uncertain", why: death.message }
}
