import { describeError } from "../base/error.ts"
import { present } from "../base/present.ts"
import { formatDuration } from "../base/text/duration.ts"
import type { Deployment, Driver, Finding, Values, Versions } from "../core/ports.ts"
import { type ChangeSet, type Refusal, openSets } from "../core/change-set.ts"
import { versionAt } from "../core/version.ts"
import { sayLeft } from "../core/left.ts"
import { sayListeners } from "../plugins/drivers/server/listener.ts"
import { driverOf } from "../rotate/ask.ts"
import type { Inspected } from "../rotate/inspect-programs.ts"
import { draftBeside, keptBeside } from "../rotate/beside.ts"
import { isDeferrable, makeWay } from "../rotate/defer.ts"
import { cutOff } from "../rotate/cut-off.ts"
import { preflight } from "../rotate/preflight.ts"
import { trialValues } from "../rotate/preflight/outputs.ts"
import { goneBefore, leftBeside } from "../rotate/left.ts"
import { deploymentsOf } from "../rotate/readers.ts"
import type { Session } from "../rotate/session.ts"
import type { Order } from "../rotate/work.ts"
import type { App } from "../app/app.ts"
import { inspectEnvironment } from "../app/environment.ts"
import { optionsOf } from "../app/options-of.ts"
import { longRetryBudget } from "../app/retry-budget.ts"
import { bothUsers, oneUserFiles, sayOneUser } from "../app/one-user.ts"
import { isHeld } from "./contain-secrets.ts"
import { type First, asTaken, doneFirst, untouchedIn } from "./dry-run-first.ts"
import {
  type Prospect,
  type Why,
  chosenIn,
  isKept,
  prospectOf,
  whysOf,
} from "../rotate/prospects.ts"
import { takeIn } from "./take-in.ts"
import { isErased } from "./verdict.ts"

/**
 * A rotation that is not finished, and stays so: the command itself would end it before anything
 * else. `anew`: of those, what it would then rotate once more.
 */
export type Unfinished = Pick<ChangeSet, "startedAt" | "direction" | "secrets"> & {
  readonly anew: readonly string[]
  /** Why it cannot be ended now. */
  readonly kept?: readonly (Why & { readonly secret?: string })[]
  /** Nothing but a containment goes on beside it. */
  readonly blocks?: true
}

export type DryRun = {
  readonly environment: string
  readonly unfinished: readonly Unfinished[]
  /** Older values that the command takes away before it rotates. */
  readonly first: readonly First[]
  /** Secrets without a value that the command leaves alone. */
  readonly untouched: readonly string[]
  /** Contained by this incident already: they get no other value. */
  readonly contained: readonly string[]
  /** Where access is taken away before files are written. */
  readonly cut: readonly string[]
  /** By what is not finished, programs may hold a value that no longer works. */
  readonly cutOff?: true
  readonly secrets: readonly {
    readonly name: string
    readonly apply: string
    readonly gap: string
    readonly revoke: string
    readonly notes: readonly string[]
    /** What a person can do about what the notes say. */
    readonly hints: readonly string[]
    readonly blocked?: { readonly code: string; readonly message: string; readonly hint?: string }
  }[]
  readonly outputs: readonly {
    readonly target: string
    readonly changes: readonly string[]
    readonly keeps?: number
    /** It held lines of others, perhaps, and is not there any more. */
    readonly gone?: string
    readonly narrows?: string
  }[]
  /** What is not in the config, shows a value of one of these secrets, and is not replaced. */
  readonly stays: readonly {
    readonly code: string
    readonly target: string
    readonly name: string
    readonly secret: string
    readonly message: string
  }[]
  /** In an incident: what cannot be written is left as it is, and owed. */
  readonly leaves: readonly ({ readonly target: string } & Refusal)[]
  /** Why the outputs cannot be written. */
  readonly fault?: { readonly code: string; readonly message: string; readonly hint?: string }
  readonly restarts: readonly {
    readonly name: string
    readonly message: string
    readonly replaces?: string
    readonly health?: string
    readonly notes: readonly string[]
  }[]
}

type DryRunOptions = {
  readonly why: "asked" | "new" | "incident"
  readonly secrets?: readonly string[]
  readonly contain?: NonNullable<Order["contain"]>
  readonly incident?: string
  readonly skipGrace?: boolean
}

/**
 * The whole way up to the first value: preflight with its logins, drafts that are thrown away.
 * Changes nothing, here or outside.
 */
export async function dryRun(
  app: App,
  environment: string,
  options: DryRunOptions,
): Promise<DryRun> {
  return inspectEnvironment(app, environment, async (session) => {
    const chosen =
      options.secrets ??
      Object.keys(session.work.drivers).filter(
        (name) =>
          options.contain !== undefined ||
          (versionAt(session.state(name), "current") !== undefined) !== (options.why === "new"),
      )
    const contained = containedIn(session, chosen, options)
    const { unfinished, goes, held } = await unfinishedIn(session, chosen, options)
    const names = chosen.filter(
      (name) =>
        !contained.includes(name) &&
        (!session.isOpen(name) || goes.includes(name)) &&
        !(options.contain !== undefined && isErased(session.state(name))),
    )
    const first =
      options.contain === undefined && options.why === "asked"
        ? await doneFirst(session, names, { skipGrace: options.skipGrace === true })
        : []
    // Only in memory: what the outputs of these show would be taken over first.
    const taken =
      options.contain === undefined
        ? []
        : names.filter((name) => versionAt(session.state(name), "current") === undefined)
    await takeIn(session, taken, { forMs: longRetryBudget.totalMs })
    const { members, left, findings, initialValues, programs, leaves } = await preflight(session, {
      ...options,
      overtakes: goes,
      secrets: names,
      trial: true,
      takenFirst: asTaken(first),
    })
    const secrets = await Promise.all(
      names.map((name) =>
        describe(
          session,
          name,
          {
            left,
            contain: options.contain,
            oneUser: oneUserFiles(app.plugins, optionsOf(app, environment), name),
          },
          [
            ...(findings[name] ?? []),
            ...(taken.includes(name) ? [takenNote(session, name)] : []),
            ...(options.why === "new" &&
            driverOf(session, name).overlap !== "none" &&
            initialValues[name] === undefined
              ? [noWayBack]
              : []),
          ],
        ),
      ),
    )
    const stays = (await leftBeside(session, names)).map((one) => ({
      code: "variable-left",
      target: one.target,
      name: one.left.name,
      secret: one.left.secret,
      message: sayLeft(one.target, environment, one.left),
    }))
    return {
      environment,
      unfinished,
      first,
      untouched:
        options.secrets === undefined && options.contain === undefined && options.why === "asked"
          ? untouchedIn(session, Object.keys(session.work.drivers))
          : [],
      contained,
      cut:
        options.contain?.revokeFirst === true
          ? members.filter((name) => driverOf(session, name).overlap !== "none")
          : [],
      ...(cutOff(session, { aside: true }).length === 0 ? {} : { cutOff: true as const }),
      secrets: [...secrets, ...(await heldOnes(session, held, options))],
      stays,
      ...(await drafts(session, members, Object.keys(leaves))),
      leaves: Object.entries(leaves).map(([target, why]) => ({ target, ...why })),
      restarts: deploymentsOf(session, members, Object.keys(leaves)).map((deployment) =>
        restartOf(deployment, programs),
      ),
    }
  })
}

/** What an earlier run of this incident has contained, and the same command would not touch again. */
function containedIn(
  session: Session,
  chosen: readonly string[],
  { contain, incident }: DryRunOptions,
): readonly string[] {
  if (contain === undefined || incident === undefined) return []
  return chosen.filter((name) => isHeld(session.state(name), incident))
}

function restartOf(
  deployment: Deployment,
  programs: readonly Inspected[],
): DryRun["restarts"][number] {
  const { name, restarter, health } = deployment
  const found = programs.find((one) => one.deployment === deployment)
  const notes =
    found?.findings.filter(({ severity }) => severity !== "error").map(({ message }) => message) ??
    []
  const limits = health?.limits === undefined ? "" : `, which proves ${health.limits}`
  return {
    name,
    message: restarter.label,
    notes,
    ...(found?.replaces === undefined ? {} : { replaces: found.replaces }),
    ...(health === undefined ? {} : { health: `${health.label}${limits}` }),
  }
}

type Found = {
  readonly unfinished: readonly Unfinished[]
  /** Chosen for a containment, which goes on with them though their rotation stays open. */
  readonly goes: readonly string[]
  /** Chosen, and nothing can be done with them now. */
  readonly held: Readonly<Record<string, Why>>
}

/**
 * The journal always ends first; one that was put aside, where one of its secrets is chosen. What
 * went on to its end is not rotated a second time, unless someone has its value. One that cannot be
 * ended now makes way for a containment (only in memory here).
 */
async function unfinishedIn(
  session: Session,
  chosen: readonly string[],
  { why, contain }: DryRunOptions,
): Promise<Found> {
  const sets = openSets(session.document).filter(
    (set) => !isDeferrable(set) || set.secrets.some((name) => chosen.includes(name)),
  )
  const prospects = await Promise.all(sets.map((set) => prospectOf(session, set)))
  const kept = prospects.filter(isKept)
  if (contain !== undefined && kept.length > 0) session.document = makeWay(session.document)
  const goes: string[] = []
  const held: Record<string, Why> = {}
  for (const prospect of kept) {
    const isHidden = prospect.whole?.hidden === true
    for (const name of chosen) {
      if (!isHidden && !prospect.set.secrets.includes(name)) continue
      const found = contain === undefined ? prospect.keeps[name] : chosenIn(session, prospect, name)
      if (found === undefined) continue
      if (found === "goes") goes.push(name)
      else held[name] = found
    }
  }
  const unfinished = prospects.map((one) => unfinishedOf(one, chosen, why))
  return { unfinished, goes: goes.filter((name) => held[name] === undefined), held }
}

function unfinishedOf(
  prospect: Prospect,
  chosen: readonly string[],
  why: DryRunOptions["why"],
): Unfinished {
  const { startedAt, direction, secrets } = prospect.set
  const base = { startedAt, direction, secrets }
  const again = direction === "back" || why === "incident"
  if (!isKept(prospect))
    return { ...base, anew: again ? secrets.filter((name) => chosen.includes(name)) : [] }
  return {
    ...base,
    anew: [],
    ...(isDeferrable(prospect.set) ? {} : { blocks: true as const }),
    kept: whysOf(prospect),
  }
}

/** They stand in the plan, with what keeps them. */
function heldOnes(
  session: Session,
  held: Found["held"],
  { contain }: DryRunOptions,
): Promise<DryRun["secrets"]> {
  return Promise.all(
    Object.entries(held)
      .filter(([name]) => session.work.drivers[name] !== undefined)
      .map(([name, { code, message, hint }]) =>
        describe(
          session,
          name,
          {
            left: {
              [name]: { kind: "left", code, message, ...present({ hint }) },
            },
            contain,
            oneUser: [],
          },
          [],
        ),
      ),
  )
}

/**
 * Of a secret without a value of ours: what its outputs show is sealed before anything is changed.
 */
function takenNote(session: Session, name: string): Finding {
  const message =
    versionAt(session.state(name), "current") === undefined
      ? "mycelium knows no value of it that works"
      : "not adopted yet: what its output shows is taken over first"
  return { code: "value-unknown", severity: "info", message }
}

const noWayBack: Finding = {
  code: "no-way-back",
  severity: "warning",
  message: "a first value cannot go back: what the service holds now cannot be read",
}

type About = {
  readonly left: Awaited<ReturnType<typeof preflight>>["left"]
  readonly contain: Order["contain"]
  readonly oneUser: readonly string[]
}

async function describe(
  session: Session,
  name: string,
  { left, contain, oneUser }: About,
  findings: readonly Finding[],
): Promise<DryRun["secrets"][number]> {
  const driver = driverOf(session, name)
  const versions = await session.versions(name)
  const graceMs = session.work.policies[name]?.graceMs ?? 0
  const blocked = left[name]
  const beside =
    oneUser.length === 0
      ? "none, old and new are accepted side by side"
      : "none at the server; at a pooler that reads one of the files below, see there"
  return {
    name,
    apply: driver.describe(versions),
    gap: {
      both: contain?.revokeFirst === true ? "from here to the last healthy restart" : beside,
      one: "from here to the last healthy restart",
      none: "none, no service asks",
    }[driver.overlap],
    revoke:
      contain !== undefined && driver.overlap !== "none"
        ? expulsion(driver, versions, findings)
        : {
            both: `the old value ${formatDuration(graceMs)} later, proven by a refused login`,
            one: "the old value is dead at once, proven by a refused login",
            none: "the old value is kept, sealed",
          }[driver.overlap],
    notes: [
      ...findings.filter((one) => one.severity !== "error").map((one) => one.message),
      ...sayListeners(session.work.listeners?.[name]),
      ...oneUser.map((file) => `${sayOneUser(file, name)}; ${bothUsers(name)}`),
    ],
    hints: findings.flatMap(({ severity, remedy }) =>
      severity === "error" || remedy === undefined ? [] : [remedy],
    ),
    ...(blocked?.kind === "left"
      ? {
          blocked: {
            code: blocked.code,
            message: blocked.message,
            ...present({ hint: blocked.hint }),
          },
        }
      : {}),
  }
}

/** What a containment does about everything from before. */
function expulsion(
  { revokeOthers, overlap }: Driver,
  { current }: Versions,
  findings: readonly Finding[],
): string {
  const known = revokeOthers === undefined && overlap === "both"
  const sessionsLive =
    findings.some(({ sessions }) => sessions === true) ||
    (revokeOthers === undefined && current === undefined)
  return `${known ? "every older value that mycelium knows, at once" : "every value but the new one at once, whoever set it"}; ${sessionsLive ? "sessions that were opened before may live (see 1)" : "every older session ends"}; proven by refused logins`
}

async function drafts(
  session: Session,
  members: readonly string[],
  leaves: readonly string[],
): Promise<Pick<DryRun, "outputs" | "fault">> {
  const values = { ...(await trialValues(session, members)), ...(await onTheirWay(session)) }
  try {
    const ready = await draftBeside(
      session,
      session.outputsOf(members).filter(({ target }) => !leaves.includes(target)),
      { values, keeps: keptBeside(session, members) },
    )
    for (const { draft } of ready) await draft.discard()
    return {
      outputs: ready.map(({ output, draft }) => {
        const gone = goneBefore(session, output, draft)
        return {
          target: output.target,
          changes: draft.changes,
          ...present({ keeps: draft.keeps, narrows: draft.narrows, gone }),
        }
      }),
    }
  } catch (error) {
    return { outputs: [], fault: describeError(error) }
  }
}

/** What outputs will show already, once the journal has gone on to its end. */
async function onTheirWay(session: Session): Promise<Values> {
  const going = session.changeSet?.direction === "forward" ? session.changeSet.secrets : []
  const all = await session.values((name) => going.includes(name))
  return Object.fromEntries(Object.entries(all).filter(([name]) => going.includes(name)))
}
