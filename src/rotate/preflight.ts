import { describeError, type ErrorDescription } from "../base/error.ts"
import { present } from "../base/present.ts"
import { driftRemedy } from "../core/drift.ts"
import { gracesOf } from "../core/graces.ts"
import type {
  Credential,
  Deployment,
  Fields,
  Finding,
  Output,
  Trial,
  Values,
  Versions,
} from "../core/ports.ts"
import { type Refusal, nextVersionId, owesRevokeOthers, versionAt } from "../core/state.ts"
import { atService, driverOf, probe, probeControl, unclear } from "./ask.ts"
import { draftBeside, keptBeside } from "./beside.ts"
import { driftCode } from "./drift.ts"
import { hiddenActOf } from "./elsewhere.ts"
import { type Inspected, inspectPrograms } from "./inspect-programs.ts"
import { byHand, overrules } from "./overrule.ts"
import { deploymentsOf } from "./readers.ts"
import { needOf } from "./need.ts"
import { Round } from "./round.ts"
import type { Session } from "./session.ts"
import { type Strategy, strategyOf } from "./strategy.ts"
import {
  type Order,
  type Outcome,
  type Outcomes,
  type TakenFirst,
  deadlines,
  takenKey,
} from "./work.ts"

/** What a service held before a first value, by secret. */
export type InitialValues = Readonly<Record<string, Fields>>
export type Preflight = {
  readonly members: readonly string[]
  readonly initialValues: InitialValues
  readonly left: Outcomes
  readonly findings: Readonly<Record<string, readonly Finding[]>>
  readonly programs: readonly Inspected[]
  readonly shown: readonly number[]
  /**
   * In an incident: outputs that cannot be written, and hold up no secret that a service asks for.
   */
  readonly leaves: Readonly<Record<string, Refusal>>
}

/**
 * Before any value exists: which secrets can be rotated now, and why not the others. Changes
 * nothing.
 */
export async function preflight(session: Session, order: Order): Promise<Preflight> {
  const strategy = strategyOf(order)
  const initialValues: Record<string, Fields> = {}
  const findings: Record<string, readonly Finding[]> = {}
  const round = new Round(session)
  const verdicts = await Promise.all(
    order.secrets.map(async (name): Promise<readonly [string, Outcome | undefined]> => {
      try {
        const found =
          order.why === "new"
            ? await first(session, name, { initialValues, ...isTrial(order) })
            : await again(session, name, { order, strategy, round })
        findings[name] = found
        const error = found.find((one) => one.severity === "error")
        return [
          name,
          error === undefined
            ? undefined
            : {
                kind: "left",
                code: error.code,
                message: error.message,
                ...present({ hint: error.remedy }),
              },
        ]
      } catch (error) {
        return [name, { kind: "left", ...describeError(error) }]
      }
    }),
  )
  round.end()
  const left = Object.fromEntries(
    verdicts.filter((one): one is readonly [string, Outcome] => one[1] !== undefined),
  )
  const members = verdicts.filter(([, outcome]) => outcome === undefined).map(([name]) => name)
  const programs = await inspectPrograms(session, members)
  const obstacles = (name: string): readonly Finding[] => [
    ...(session.work.obstacles?.[name] ?? []),
    ...programs
      .filter(({ deployment }) => deploymentsOf(session, [name]).includes(deployment))
      .flatMap((one) => one.findings),
  ]
  // What keeps nothing out is told beside what the service itself has found.
  for (const name of members)
    findings[name] = [
      ...(findings[name] ?? []),
      ...(strategy.needsRunnablePrograms
        ? (session.work.obstacles?.[name] ?? []).filter(({ severity }) => severity !== "error")
        : obstacles(name).map((one): Finding => ({ ...one, severity: "warning" }))),
    ]
  const runnable = strategy.needsRunnablePrograms
    ? withoutUnrunnable(members, left, obstacles)
    : { members, left }
  const healthy = strategy.needsHealthyPrograms
    ? await withoutSick(session, runnable.members, runnable.left)
    : runnable
  const written = await withoutUnwritable(session, healthy, strategy)
  return {
    ...(await withoutRoom(session, written, strategy)),
    initialValues,
    findings,
    programs,
  }
}

function isTrial({ trial }: Order): Trial {
  return { trial: trial === true }
}

/** A secret that has a current value. */
async function again(
  session: Session,
  name: string,
  {
    order,
    strategy,
    round,
  }: { readonly order: Order; readonly strategy: Strategy; readonly round: Round },
): Promise<readonly Finding[]> {
  const driver = driverOf(session, name)
  if (session.isOpen(name) && order.overtakes?.includes(name) !== true)
    return [
      error(
        "journal-open",
        "an earlier rotation of it is not finished: its service has given no clear answer yet",
        "mycelium run, or the same command again, asks it again",
      ),
    ]
  const hidden = hiddenActOf(session, name)
  if (hidden !== undefined) return [{ ...hidden, severity: "error" }]
  const versions = await session.versions(name)
  if (versions.current === undefined && strategy.overrulesService && !overrules(driver))
    return [valueUnknown]
  if (versions.current === undefined && !strategy.overrulesService)
    return [
      error(
        "secret-new",
        "it has no value that mycelium knows",
        "take over the value that exists with mycelium adopt, or make a first one with rotate-now --new",
      ),
    ]
  if (strategy.overrulesService)
    return underAttack(session, name, {
      ...isTrial(order),
      ...(strategy.waitsForSilentServers ? {} : { round }),
    })
  // Of what has drifted nothing is revoked: what is owed waits for a person, too.
  const left = leftBehind(session, name, versions, order.takenFirst)
  const waits =
    session.state(name).drift !== undefined && (left.uncertain || overdue(session, name))
  const drifted = waits ? await probes(session, name) : []
  if (drifted.length > 0) return drifted
  if (left.uncertain)
    return [
      error(
        "uncertain",
        "an older value may still be accepted",
        `${asksAgain}; see mycelium status`,
      ),
    ]
  if (left.overdue)
    return [
      error(
        "revoke-owed",
        "the value before this one is not proven dead yet",
        `${asksAgain}; see mycelium status`,
      ),
    ]
  if (left.previous)
    return [
      error(
        "in-grace",
        "the value before this one is still in its grace",
        "wait until it is revoked, or add --skip-grace",
      ),
    ]
  const findings = await atService(session, name, deadlines.preflight, (signal) =>
    driver.preflight(versions, signal, isTrial(order)),
  )
  // Without an admin the secret's own login is the way in: what it is refused may be the value, or
  // more than that.
  if (driver.deleteLogin === undefined && findings.some(({ code }) => code === "password-refused"))
    return refusedOwn(session, name, findings)
  if (driver.overlap === "none" || findings.some((one) => one.severity === "error")) return findings
  return [...findings, ...(await probes(session, name))]
}

/** True whether a service runs or not. */
const asksAgain = "mycelium run tries again by itself; without it, repeat this command"

type LeftBehind = {
  readonly uncertain: boolean
  readonly overdue: boolean
  readonly previous: boolean
}

/** Which older values are still to be taken away when the rotation would begin. */
function leftBehind(
  session: Session,
  name: string,
  { uncertain, previous }: Versions,
  first: TakenFirst = { versions: new Set(), expels: new Set() },
): LeftBehind {
  const { contained, versions } = session.state(name)
  const stays = (id: string): boolean => !first.versions.has(takenKey(name, id))
  const isThere = previous !== undefined && stays(previous.version)
  const owes = owesRevokeOthers({
    ...(contained === undefined || first.expels.has(name) ? {} : { contained }),
    versions: versions.filter(({ id }) => stays(id)),
  })
  return {
    uncertain: uncertain.some(({ version }) => stays(version)),
    overdue: (isThere && overdue(session, name)) || owes,
    previous: isThere,
  }
}

async function refusedOwn(
  session: Session,
  name: string,
  findings: readonly Finding[],
): Promise<readonly Finding[]> {
  const [answer] = await probes(session, name)
  return answer?.code === driftCode
    ? findings.map((one) => (one.code === "password-refused" ? { ...one, code: driftCode } : one))
    : findings
}

/**
 * What an intruder may have left (other values, other sessions, a password that is no longer ours)
 * is what a containment
 * ends. Older values are ended with it. `round` left out: there is time.
 */
async function underAttack(
  session: Session,
  name: string,
  { round, trial }: Trial & { readonly round?: Round },
): Promise<readonly Finding[]> {
  const driver = driverOf(session, name)
  const versions = await session.versions(name)
  const look = (signal: AbortSignal): Promise<readonly Finding[]> =>
    driver.preflight(versions, signal, { trial })
  const found = await (round === undefined
    ? atService(session, name, deadlines.preflight, look)
    : round.attempt(name, look))
  const may = overrules(driver)
  const locked = may ? {} : { remedy: byHand(driver) }
  const findings = found.map(
    (one): Finding =>
      one.yields === true
        ? { ...one, severity: "warning" }
        : one.code === "password-refused"
          ? { ...one, ...locked }
          : { ...locked, ...one },
  )
  if (driver.overlap === "none" || findings.some((one) => one.severity === "error")) return findings
  const answers = await probes(session, name, round === undefined || !may)
  return [
    ...findings,
    ...answers.map(
      (one): Finding =>
        one.code === "current-refused" && may
          ? { ...one, severity: "warning", yields: true }
          : { ...one, ...locked },
    ),
  ]
}

/** Nobody gets in there by what we know. */
const valueUnknown = error(
  "value-unknown",
  "its service accepts a value that mycelium does not know, and nothing here can replace it without knowing it",
  "put the value that works into the output and take it over with mycelium adopt, then the same command again; or change it at the service by hand first (for PostgreSQL and Redis, an admin in the config needs neither)",
)

function overdue(session: Session, name: string): boolean {
  // As the revoke judges it.
  const state = gracesOf(session.work.host).seenState(session.document, name)
  const stage = state === undefined ? undefined : versionAt(state, "previous")?.stage
  return (
    stage?.kind === "previous" && Date.parse(stage.revokeAt) <= session.work.host.now().getTime()
  )
}

/**
 * `whole`: what the service says to the current value matters; with an admin, a containment goes on
 * whatever that is.
 */
async function probes(session: Session, name: string, whole = true): Promise<readonly Finding[]> {
  const { current, ...others } = await session.versions(name)
  const control = await probeControl(
    session,
    name,
    current ?? { version: "control", fields: draftOf(session, name, others) },
  )
  if (control === "accepted") return [acceptsAnything]
  if (control === "unknown") return [noAnswer(session, name)]
  if (!whole || current === undefined) return []
  const answer = await probe(session, name, current)
  if (answer === "accepted") return []
  if (answer === "unknown") return [noAnswer(session, name)]
  return [
    error(
      driftCode,
      "the service refuses the current value",
      driftRemedy(`${session.work.environment}/${name}`),
    ),
  ]
}

/** A secret without a value: `readInstalled` refuses where someone visibly uses one. */
async function first(
  session: Session,
  name: string,
  { initialValues, trial }: Trial & { readonly initialValues: Record<string, Fields> },
): Promise<readonly Finding[]> {
  const driver = driverOf(session, name)
  if (session.isOpen(name))
    return [
      error(
        "journal-open",
        "its first value is on its way, and its service has given no clear answer yet",
        "mycelium run, or the same command again, asks it again",
      ),
    ]
  if (versionAt(session.state(name), "current") !== undefined)
    return [error("value-exists", "it has a value already", "leave out --new to rotate it")]
  const findings = await atService(session, name, deadlines.preflight, (signal) =>
    driver.preflight({ uncertain: [] }, signal, { trial }),
  )
  if (findings.some((one) => one.severity === "error") || driver.readInstalled === undefined)
    return findings
  const stored = await atService(
    session,
    name,
    deadlines.preflight,
    (signal) => driver.readInstalled?.(signal) ?? Promise.resolve(undefined),
  )
  if (stored !== undefined) initialValues[name] = stored
  return findings
}

/** The rotation would fail at their restart and go back, and the way back would fail there too. */
function withoutUnrunnable(
  members: readonly string[],
  left: Outcomes,
  obstacles: (name: string) => readonly Finding[],
): Pick<Preflight, "members" | "left"> {
  const out: Record<string, Outcome> = { ...left }
  for (const name of members) {
    const found = obstacles(name).find(({ severity }) => severity === "error")
    if (found !== undefined)
      out[name] = {
        kind: "left",
        code: found.code,
        message: found.message,
        ...present({ hint: found.remedy }),
      }
  }
  return { members: members.filter((name) => out[name] === undefined), left: out }
}

/** A deployment that is not healthy before could not prove anything after: its secrets wait. */
async function withoutSick(
  session: Session,
  members: readonly string[],
  left: Outcomes,
): Promise<Pick<Preflight, "members" | "left">> {
  const unhealthy = new Map<Deployment, string>()
  await Promise.all(
    deploymentsOf(session, members).map(async (deployment) => {
      const answer = await session.work.restarts.healthy(deployment, session.work.stop)
      if (answer !== true) unhealthy.set(deployment, answer)
    }),
  )
  const stay: string[] = []
  const out: Record<string, Outcome> = { ...left }
  for (const name of members) {
    const blocking = [...unhealthy].find(([deployment]) =>
      deploymentsOf(session, [name]).includes(deployment),
    )
    if (blocking === undefined) stay.push(name)
    else
      out[name] = {
        kind: "left",
        code: "deployment-unhealthy",
        message: `${blocking[0].name} is not healthy before the rotation: ${blocking[1]}`,
        hint: `make it healthy first: only then can its health prove the new value${blocking[0].healthType === "command" ? "; a program gets none of your shell's variables but a few (mycelium help restarts)" : ""}`,
      }
  }
  return { members: stay, left: out }
}

type Written = Pick<Preflight, "members" | "left" | "shown" | "leaves">

/**
 * All that a rotation has to write must find its place on the disk of the state, before any value
 * exists.
 */
async function withoutRoom(
  session: Session,
  found: Written,
  { leavesUnwritable }: Strategy,
): Promise<Written> {
  if (found.members.length === 0) return found
  try {
    await session.work.ledger.demandRoom?.(
      needOf(session, found.members, { shown: found.shown, leavesUnwritable }),
    )
    return found
  } catch (error) {
    return { ...found, members: [], left: { ...found.left, ...allLeft(found.members, error) } }
  }
}

export function allLeft(names: readonly string[], error: unknown): Outcomes {
  return Object.fromEntries(
    names.map((name) => [name, { kind: "left", ...describeError(error) } as const]),
  )
}

/**
 * Outputs are drafted and thrown away: one that cannot be written, or may hold the only copy of
 * something, keeps out the
 * secrets that it shows, and no others. In an incident it keeps out none whose service would go on
 * taking the old value.
 */
async function withoutUnwritable(
  session: Session,
  { members, left }: Pick<Preflight, "members" | "left">,
  { leavesUnwritable }: Strategy,
): Promise<Written> {
  const beside = {
    values: await trialValues(session, members),
    keeps: keptBeside(session, members),
    trial: { trial: true },
  }
  const refused = new Map<Output, ErrorDescription>()
  const shown: number[] = []
  for (const output of session.outputsOf(members)) {
    try {
      for (const { draft } of await draftBeside(session, [output], beside)) {
        shown.push(draft.bytes.length)
        await draft.discard()
      }
    } catch (error) {
      refused.set(output, describeError(error))
    }
  }
  const out: Record<string, Outcome> = { ...left }
  for (const name of members) {
    const own = session.outputsOf([name])
    const bad = own.flatMap((output) => refused.get(output) ?? [])
    // Where no service asks, a value that no program can be given is worth nothing.
    const goes =
      leavesUnwritable && (driverOf(session, name).overlap !== "none" || bad.length < own.length)
    if (bad[0] !== undefined && !goes) out[name] = { kind: "left", ...bad[0] }
  }
  const going = members.filter((name) => out[name] === undefined)
  const leaves = session.outputsOf(going).flatMap((output) => {
    const why = refused.get(output)
    return why === undefined ? [] : [[output.target, why] as const]
  })
  return { members: going, left: out, shown, leaves: Object.fromEntries(leaves) }
}

/** What outputs would show if these secrets were rotated: values that nobody ever gets. */
export async function trialValues(session: Session, names: readonly string[]): Promise<Values> {
  const values: Record<string, Credential> = { ...(await session.values(() => false)) }
  for (const name of names) {
    const versions = await session.versions(name)
    const beside =
      driverOf(session, name).overlap === "both" && versions.current !== undefined
        ? { previous: versions.current.fields }
        : {}
    values[name] = {
      version: nextVersionId(session.state(name)),
      fields: draftOf(session, name, versions),
      ...beside,
    }
  }
  return values
}

/** Never handed out. */
function draftOf(session: Session, name: string, versions: Versions): Fields {
  return driverOf(session, name).generate(versions, (field, length) =>
    session.work.text(`${name}.${field}`, length),
  )
}

function error(code: string, message: string, remedy: string): Finding {
  return { code, severity: "error", message, remedy }
}
const acceptsAnything = error(
  "accepts-anything",
  "the service accepts a random wrong value, so no login proves anything",
  "make it ask for passwords from this address (PostgreSQL: no trust or peer line in pg_hba.conf; Redis: no nopass)",
)
function noAnswer(session: Session, name: string): Finding {
  const fault = session.faults.get(name)
  return fault === undefined
    ? error(
        "no-answer",
        unclear(session, name, "the service gives no clear answer to a login"),
        "see that it runs and can be reached from here",
      )
    : error(
        fault.code,
        fault.message,
        fault.hint ?? "see that it runs and can be reached from here",
      )
}
