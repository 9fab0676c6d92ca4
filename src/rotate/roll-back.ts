import { AppError, describeError } from "../base/error.ts"
import { backoffMs } from "../base/retry.ts"
import type { AuditEvent } from "../core/audit-line.ts"
import type { Draft, Output, Values } from "../core/ports.ts"
import {
  type Before,
  type ChangeSet,
  type Patch,
  type Refusal,
  type Stage,
  changeVersion,
  versionAt,
} from "../core/state.ts"
import { type UnhealthyDeployment, noteHealthy } from "../core/unhealthy.ts"
import { type Answer, ask, changeAt, driverOf, unclear } from "./ask.ts"
import { draftBeside, keptBeside } from "./beside.ts"
import { Stragglers } from "./stragglers.ts"
import { endedOf, withMarks } from "./marks.ts"
import { lostTrack } from "./prove.ts"
import { proveDead } from "./revoke.ts"
import { restartAll } from "./restart-all.ts"
import type { Session } from "./session.ts"
import { leaveOutputs, owedBack } from "./unwritten.ts"
import { type Outcome, type Outcomes, applyTries, deadlines } from "./work.ts"

/** A member on its way back. `dead`: the service refuses the value that is given up. */
type Back =
  | { readonly kind: "back"; readonly dead: boolean }
  | {
      readonly kind: "waiting"
      readonly code: string
      readonly message: string
      readonly by?: "file"
    }
  | { readonly kind: "stuck"; readonly code: string; readonly message: string }

/**
 * Services first, then outputs, then deployments, each proven before the next; last, the given-up
 * value is taken away. But
 * first it is seen which of them can go back at all: while nobody knows what a service takes, or a
 * file cannot follow, what
 * the file shows has to work, so the services of all that it shows are left as they are, and so are
 * the programs that read it.
 * Where a containment waits for the end, an output that cannot be put back is left as it is, and
 * owed.
 */
export async function rollBack(session: Session): Promise<Outcomes> {
  const set = session.changeSet
  if (set === undefined) return {}
  const fault = set.fault ?? { code: "rolled-back", message: "the rotation was taken back" }
  const looks = await lookAtAll(session, set)
  const ways = await withoutRefused(session, await waysBack(session, set))
  const backs = new Map<string, Back>()
  let held: readonly string[] = []
  try {
    const waits = waiting(set, looks, ways)
    await Promise.all(
      set.secrets.map(async (name) =>
        backs.set(name, waits.get(name) ?? (await takeBack(session, name, looks.get(name)))),
      ),
    )
    held = session
      .outputsOf(set.secrets.filter((name) => backs.get(name)?.kind !== "back"))
      .map(({ target }) => target)
    await restoreOutputs(session, ways, held)
  } catch (error) {
    const { code, message } = describeError(error)
    return Object.fromEntries(
      set.secrets.map((name) => [name, { kind: "waiting", by: "file", code, message } as const]),
    )
  } finally {
    for (const { draft } of ways) await draft?.discard().catch(() => undefined)
  }
  const unhealthy = await restartAll(session, held)
  return end(
    session,
    { backs, held },
    unhealthy.length === 0 ? fault : backUnhealthy(fault, unhealthy),
  )
}

/**
 * The service and the files are back, and a program may be down, or hold a value that nothing takes
 * any more: that stays noted until a rotation of these secrets has proven it healthy.
 */
function backUnhealthy(
  fault: { readonly message: string },
  unhealthy: readonly UnhealthyDeployment[],
): { readonly code: string; readonly message: string } {
  return {
    code: "back-unhealthy",
    message: `${fault.message}; after going back ${unhealthy.map(({ name, why }) => `${name}: ${why}`).join(", ")}`,
  }
}

/** What its service takes, before anything is changed there. `can`: it can be put back. */
type Look = Back | { readonly kind: "can"; readonly answer: Answer }

/** In an incident a server that says nothing is not waited for. */
async function lookAtAll(session: Session, set: ChangeSet): Promise<ReadonlyMap<string, Look>> {
  const looks = new Map<string, Look>()
  const stragglers = new Stragglers(session, () => set.secrets.filter((name) => !looks.has(name)))
  if (session.urgent) stragglers.count()
  try {
    await Promise.all(
      set.secrets.map(async (name) =>
        looks.set(name, await inspectService(session, name, stragglers.signal)),
      ),
    )
  } finally {
    stragglers.end()
  }
  return looks
}

async function inspectService(
  session: Session,
  name: string,
  waiting?: AbortSignal,
): Promise<Look> {
  if (driverOf(session, name).overlap === "none") return { kind: "back", dead: true }
  return judge(session, name, await ask(session, name, waiting))
}

function judge(session: Session, name: string, answer: Answer): Look {
  if (answer.lost === true) return lostTrack(answer)
  if (answer.pending === "unknown" || answer.current === "unknown" || answer.current === "none")
    return {
      kind: "waiting",
      code: answer.code ?? "no-answer",
      message: answer.message ?? unclear(session, name),
    }
  if (answer.current === "accepted") return { kind: "back", dead: answer.pending === "refused" }
  return answer.pending === "refused" ? lostTrack(answer) : { kind: "can", answer }
}

/** Makes the service hold the current value, and proves it. */
async function takeBack(session: Session, name: string, first: Look | undefined): Promise<Back> {
  let look = first ?? (await inspectService(session, name))
  let last = { code: "cannot-go-back", message: "the service does not take the former value again" }
  for (let tries = 0; tries <= applyTries; tries++) {
    if (look.kind !== "can") return look
    try {
      const versions = await session.versions(name)
      const { current } = versions
      if (current === undefined) break
      session.work.onProgress("back", "the former value is put back", name)
      const driver = driverOf(session, name)
      await changeAt(session, name, deadlines.apply, (signal) =>
        driver.apply(current, versions, signal),
      )
    } catch (error) {
      last = describeError(error)
    }
    look = await inspectService(session, name)
  }
  return look.kind === "can" ? { kind: "stuck", ...last } : look
}

/**
 * An output's way back: drafted, or why it has none. `isFormer`: it shows what it showed before the
 * rotation.
 */
type WayBack = {
  readonly output: Output
  readonly isFormer: boolean
  readonly draft?: Draft
  readonly fault?: { readonly code: string; readonly message: string }
}

/**
 * Byte for byte from the sealed copies, unless someone edited the file since: then only our values
 * go back.
 */
async function waysBack(session: Session, set: ChangeSet): Promise<readonly WayBack[]> {
  const values = await session.values(() => false)
  const ways: WayBack[] = []
  for (const output of session.work.outputs) {
    const was = set.before?.[output.target]
    if (was === undefined || set.leaves?.[output.target] !== undefined) continue
    try {
      const draft = await wayBack(session, output, { was, values })
      ways.push({ output, draft, isFormer: !draft.changed })
    } catch (error) {
      ways.push({ output, fault: describeError(error), isFormer: false })
    }
  }
  return ways
}

async function wayBack(
  session: Session,
  output: Output,
  { was, values }: { readonly was: Before; readonly values: Values },
): Promise<Draft> {
  const { vault, delivery } = session.work
  if (was.stale === true) {
    const keeps = keptBeside(session, session.changeSet?.secrets ?? [])
    const [ready] = await draftBeside(session, [output], { values, keeps })
    if (ready === undefined) throw new AppError("internal", `${output.target}: no draft`)
    return ready.draft
  }
  const former = {
    before: was.sealed === "" ? undefined : await vault.openBytes(output.target, was.sealed),
    after: was.after,
    fingerprint: (bytes: Uint8Array) => vault.fingerprint(bytes),
  }
  return delivery.restore(output, former, values, session.issued)
}

/** Where a containment waits for the end, an output that cannot be put back holds nothing up. */
async function withoutRefused(
  session: Session,
  ways: readonly WayBack[],
): Promise<readonly WayBack[]> {
  if (!session.urgent) return ways
  const refused: Record<string, Refusal> = {}
  for (const { output, fault } of ways) if (fault !== undefined) refused[output.target] = fault
  await leaveOutputs(session, refused)
  return ways.filter(({ fault }) => fault === undefined)
}

/**
 * Who cannot go back yet, and why: what a file shows beside that, and as long as the file cannot
 * follow, keeps its service as it is.
 */
function waiting(
  set: ChangeSet,
  looks: ReadonlyMap<string, Look>,
  ways: readonly WayBack[],
): ReadonlyMap<string, Back> {
  const waits = new Map<string, Back>()
  for (const [name, look] of looks)
    if (look.kind === "waiting" || look.kind === "stuck") waits.set(name, look)
  for (let known = -1; known < waits.size; ) {
    known = waits.size
    for (const { output, fault, isFormer } of ways) {
      const members = output.shows.filter((name) => set.secrets.includes(name))
      const other = members.find((name) => waits.has(name))
      if (isFormer || (fault === undefined && other === undefined)) continue
      for (const name of members)
        if (!waits.has(name)) waits.set(name, waitsFor(output.target, fault, other ?? ""))
    }
  }
  return waits
}

function waitsFor(target: string, fault: WayBack["fault"], other: string): Back {
  return fault === undefined
    ? {
        kind: "waiting",
        code: "waits-for-another",
        message: `${target} shows it beside ${other}, which cannot go back yet; so its service is left as it is`,
      }
    : {
        kind: "waiting",
        by: "file",
        code: fault.code,
        message: `it cannot go back yet, so its service is left as it is: ${fault.message}`,
      }
}

async function restoreOutputs(
  session: Session,
  ways: readonly WayBack[],
  held: readonly string[],
): Promise<void> {
  const refused: Record<string, Refusal> = {}
  for (const { output, draft } of ways) {
    if (draft === undefined || held.includes(output.target)) continue
    if (draft.changed) {
      session.work.onProgress("back", `${output.target}: its former content`)
      try {
        await draft.commit()
      } catch (error) {
        if (!session.urgent) throw error
        refused[output.target] = describeError(error)
        continue
      }
    }
    session.restored.add(output.target)
  }
  await leaveOutputs(session, refused)
  session.work.onStep?.()
}

type Came = { readonly backs: ReadonlyMap<string, Back>; readonly held: readonly string[] }

async function end(
  session: Session,
  { backs, held }: Came,
  fault: { readonly code: string; readonly message: string },
): Promise<Outcomes> {
  const set = session.changeSet
  if (set === undefined) return {}
  // On the way back only what got healthy counts as restarted.
  const healthy = noteHealthy(session.document, set.restarted)
  const patches: Record<string, Patch> = {}
  const events: AuditEvent[] = []
  const outcomes: Record<string, Outcome> = {}
  const ending: { readonly name: string; readonly id: string; readonly dead: boolean }[] = []
  for (const [name, back] of backs) {
    const pending = versionAt(session.state(name), "pending")
    if (back.kind !== "back" || pending === undefined) {
      if (back.kind !== "back") outcomes[name] = back
      continue
    }
    if (session.outputsOf([name]).some(({ target }) => held.includes(target))) {
      outcomes[name] = {
        kind: "waiting",
        code: "waits-for-another",
        message:
          "an output shows it beside a secret of which nobody knows yet what its service takes",
      }
      continue
    }
    ending.push({ name, id: pending.id, dead: back.dead })
  }
  for (const { name, id, stage } of await Promise.all(
    ending.map(async (one) => ({
      ...one,
      stage: await givenUp(session, one.name, one.id, one.dead),
    })),
  )) {
    const owes = owedBack(session, set, name)
    patches[name] = (state) =>
      owes(
        noteFailure(
          session,
          fault,
        )(changeVersion(id, (version) => ({ ...version, stage }))(healthy[name]?.(state) ?? state)),
      )
    events.push({ event: "rolled-back", secret: name, version: id, code: fault.code })
    outcomes[name] = { kind: "rolled-back", ...fault }
  }
  const rest = set.secrets.filter((name) => patches[name] === undefined)
  await session.commit({
    patches: { ...healthy, ...patches },
    events,
    changeSet:
      rest.length === 0
        ? null
        : withMarks(
            session,
            { ...set, secrets: rest },
            {
              ended: endedOf(session, rest),
              stuck: rest.filter((name) => backs.get(name)?.kind === "stuck"),
            },
          ),
    flush: true,
  })
  return outcomes
}

/**
 * No value that was handed out is erased: it is kept once a login with it is refused, uncertain
 * until then.
 */
async function givenUp(session: Session, name: string, id: string, dead: boolean): Promise<Stage> {
  const kept: Stage = { kind: "retired", since: session.work.host.now().toISOString() }
  if (dead) return kept
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

/** Counts a failure and says when the next attempt may be. */
export function noteFailure(
  session: Session,
  fault: { readonly code: string; readonly message: string },
): Patch {
  return (state) => {
    const failures = (state.retry?.failures ?? 0) + 1
    const { host } = session.work
    const notBefore = new Date(
      host.now().getTime() + backoffMs(failures, host.random),
    ).toISOString()
    return { ...state, retry: { failures, notBefore, code: fault.code, message: fault.message } }
  }
}
