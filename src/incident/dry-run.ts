import { present } from "../base/present.ts"
import { isEntry } from "../core/entry.ts"
import { unreadOutputs } from "../core/unread.ts"
import { openSets } from "../core/change-set.ts"
import type { Deployment, Finding, Values } from "../core/ports.ts"
import { owingIn } from "../core/unwritten.ts"
import { versionAt } from "../core/version.ts"
import { sayLeft } from "../core/left.ts"
import { driverOf } from "../rotate/ask.ts"
import type { Inspected } from "../rotate/inspect-programs.ts"
import { cutOff } from "../rotate/cut-off.ts"
import { preflight } from "../rotate/preflight.ts"
import type { Preflight } from "../rotate/preflight/result.ts"
import { leftBeside } from "../rotate/left.ts"
import { deploymentsOf } from "../rotate/readers.ts"
import type { Session } from "../rotate/session.ts"
import type { App } from "../app/app.ts"
import { type OpenAsBegun, inspectEnvironment } from "../app/environment.ts"
import { optionsOf } from "../app/options-of.ts"
import { longRetryBudget } from "../app/retry-budget.ts"
import { bothUserFiles, oneUserFiles } from "../app/one-user.ts"
import { askHeld } from "./ask-held.ts"
import { isHeld } from "./contain-secrets.ts"
import { asTaken, doneFirst, untouchedIn } from "./dry-run/first.ts"
import type { Cutting } from "./dry-run/gap.ts"
import { drafts, onTheirWay } from "./dry-run/outputs.ts"
import type { DryRun, DryRunOptions } from "./dry-run/plan.ts"
import { describeSecret, heldOnes, noWayBack, takenNote } from "./dry-run/secret.ts"
import { type Found as UnfinishedFound, asEnded, unfinishedIn } from "./dry-run/unfinished.ts"
import { shownLeaked } from "./shown-leaked.ts"
import { takeIn } from "./take-in.ts"
import { isErased } from "./verdict.ts"

/**
 * The whole way up to the first value: preflight with its logins, drafts that are thrown away.
 * Changes nothing, here or outside.
 */
export async function dryRun(
  app: App,
  environment: string,
  options: DryRunOptions,
): Promise<DryRun> {
  return inspectEnvironment(app, environment, async (session, asBegun) =>
    planOf(app, session, await rehearse(session, asBegun, options), options),
  )
}

type Rehearsed = Pick<DryRun, "unfinished" | "first" | "contained"> & {
  /** What a rotation would begin with, after what it does first. */
  readonly names: readonly string[]
  /** Taken over from outputs before anything else. */
  readonly taken: readonly string[]
  /** Chosen, and held by a rotation that cannot end. */
  readonly held: UnfinishedFound["held"]
  readonly found: Preflight
  /** Outputs that an open journal is about to change. */
  readonly underWay: Values
  readonly isCutOff: boolean
}

/** All steps up to the first value, in their order, in memory alone. */
async function rehearse(
  session: Session,
  asBegun: OpenAsBegun,
  options: DryRunOptions,
): Promise<Rehearsed> {
  const chosen = chosenIn(session, options)
  const contained = await containedIn(session, chosen, options)
  const underWay = await onTheirWay(session)
  const isCutOff = openSets(session.document).some((set) => cutOff(asBegun(set)).length > 0)
  const { unfinished, goes, held, over } = await unfinishedIn(session, chosen, {
    ...options,
    asBegun,
  })
  asEnded(session, over)
  const names = chosen.filter(
    (name) =>
      !contained.includes(name) &&
      (!session.isOpen(name) || goes.includes(name)) &&
      !(options.contain !== undefined && isErased(session.state(name))),
  )
  const first = isPlain(options)
    ? await doneFirst(session, names, { skipGrace: options.skipGrace === true })
    : []
  const taken = await takenIn(session, names, options)
  const found = await preflight(session, {
    ...options,
    overtakes: goes,
    secrets: names,
    trial: true,
    takenFirst: asTaken(first),
  })
  return { unfinished, first, contained, names, taken, held, found, underWay, isCutOff }
}

/** What the rotation would do from the first value on. */
async function planOf(
  app: App,
  session: Session,
  { names, taken, held, found, underWay, isCutOff, ...done }: Rehearsed,
  options: DryRunOptions,
): Promise<DryRun> {
  const { environment } = session.work
  const { members, programs } = found
  const leaves = Object.keys(found.leaves)
  const config = optionsOf(app, environment)
  const usersOf = (name: string): Users => ({
    oneUser: oneUserFiles(app.plugins, config, name),
    bothUsers: bothUserFiles(app.plugins, config, name),
  })
  const secrets = await describeAll(session, names, { found, taken, options, usersOf })
  const { contain } = options
  return {
    environment,
    unfinished: done.unfinished,
    first: done.first,
    untouched:
      options.secrets === undefined && isPlain(options)
        ? untouchedIn(session, Object.keys(session.work.drivers))
        : [],
    contained: done.contained,
    ...(await leftOf(session, done.contained)),
    cut: contain?.revokeFirst === true ? members.filter((name) => isAsked(session, name)) : [],
    ...present({ cutOff: isCutOff ? (true as const) : undefined }),
    secrets: [...secrets, ...(await heldOnes(session, held, options))],
    stays: await staysIn(session, names),
    ...(await drafts(session, members, { leaves, underWay })),
    leaves: Object.entries(found.leaves).map(([target, why]) => ({ target, ...why })),
    unread: unreadIn(session, members, leaves),
    restarts: deploymentsOf(session, members, leaves).map((deployment) =>
      restartOf(deployment, programs),
    ),
  }
}

function unreadIn(
  session: Session,
  members: readonly string[],
  leaves: readonly string[],
): readonly string[] {
  const written = session.outputsOf(members).filter(({ target }) => !leaves.includes(target))
  return unreadOutputs(
    written.map((output) => ({ target: output.target, isEntry: isEntry(output) })),
    session.work.deployments,
  )
}

/** A rotation that a person asks for, of secrets that have a value. */
function isPlain({ contain, why }: DryRunOptions): boolean {
  return contain === undefined && why === "asked"
}

/** Does a service ask for it? */
function isAsked(session: Session, name: string): boolean {
  return driverOf(session, name).overlap !== "none"
}

function hasValue(session: Session, name: string): boolean {
  return versionAt(session.state(name), "current") !== undefined
}

function chosenIn(session: Session, { secrets, contain, why }: DryRunOptions): readonly string[] {
  return (
    secrets ??
    Object.keys(session.work.drivers).filter(
      (name) => contain !== undefined || hasValue(session, name) !== (why === "new"),
    )
  )
}

/** Only in memory: what the outputs of these show would be taken over first. */
async function takenIn(
  session: Session,
  names: readonly string[],
  { contain }: DryRunOptions,
): Promise<readonly string[]> {
  const taken = contain === undefined ? [] : names.filter((name) => !hasValue(session, name))
  await takeIn(session, taken, { forMs: longRetryBudget.totalMs })
  return taken
}

type Describing = {
  readonly found: Preflight
  readonly taken: readonly string[]
  readonly options: DryRunOptions
  readonly usersOf: (name: string) => Users
}
type Users = Pick<Cutting, "oneUser" | "bothUsers">

function describeAll(
  session: Session,
  names: readonly string[],
  { found, taken, options: { contain, why }, usersOf }: Describing,
): Promise<DryRun["secrets"]> {
  const { left, leaves, programs, findings, initialValues } = found
  const notesOf = (name: string): readonly Finding[] => [
    ...(findings[name] ?? []),
    ...(taken.includes(name) ? [takenNote(session, name)] : []),
    ...(why === "new" && isAsked(session, name) && initialValues[name] === undefined
      ? [noWayBack]
      : []),
  ]
  return Promise.all(
    names.map((name) => {
      const context = { left, contain, ...usersOf(name), leaves: Object.keys(leaves), programs }
      return describeSecret(session, name, context, notesOf(name))
    }),
  )
}

/** Lines and files that the config does not name, and that show one of these. */
async function staysIn(session: Session, names: readonly string[]): Promise<DryRun["stays"]> {
  return (await leftBeside(session, names)).map(({ target, left }) => ({
    code: "variable-left",
    target,
    name: left.name,
    secret: left.secret,
    message: sayLeft(target, session.work.environment, left),
  }))
}

/** What an earlier run of this incident has contained, and the same command would not touch again. */
async function containedIn(
  session: Session,
  chosen: readonly string[],
  { contain, incident }: DryRunOptions,
): Promise<readonly string[]> {
  if (contain === undefined || incident === undefined) return []
  const isContained = (name: string): boolean => isHeld(session.state(name), incident)
  await askHeld(session, chosen.filter(isContained), incident)
  return chosen.filter(isContained)
}

/** What the same command would find of them, or do, all the same. */
async function leftOf(
  session: Session,
  contained: readonly string[],
): Promise<Pick<DryRun, "shows" | "owed">> {
  if (contained.length === 0) return {}
  const shows = (await shownLeaked(session))
    .filter(({ secret }) => contained.includes(secret))
    .map((one) => ({ ...one, isLive: !isAsked(session, one.secret) }))
  const owed = owingIn(session.document)
    .filter(({ secret }) => contained.includes(secret))
    .flatMap(({ outputs }) => Object.keys(outputs))
  return {
    ...(shows.length === 0 ? {} : { shows }),
    ...(owed.length === 0 ? {} : { owed: [...new Set(owed)] }),
  }
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
