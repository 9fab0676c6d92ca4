import { land } from "../rotate/land.ts"
import { leftBeside } from "../rotate/left.ts"
import { AppError, describeError } from "../base/error.ts"
import { within } from "../base/deadline.ts"
import type { Credential, Draft, Driver, Forgotten, Output } from "../core/ports.ts"
import { type ChangeSet, isDeferrable, madeWay } from "../core/change-set.ts"
import { erase } from "../core/version-changes.ts"
import { probe, unclear } from "../rotate/ask.ts"
import { notSettled } from "../rotate/settle.ts"
import { cutOff } from "../rotate/cut-off.ts"
import { type Prospect, type Why, isKept, prospectOf, whysOf } from "../rotate/prospects.ts"
import { hiddenActOf } from "../rotate/elsewhere.ts"
import { beginActing } from "../rotate/acting.ts"
import type { Session } from "../rotate/session.ts"
import { untilOver } from "../rotate/under-way.ts"
import { deadlines } from "../rotate/work.ts"
import type { App } from "../app/app.ts"
import { inspectEnvironment, withEnvironment } from "../app/environment.ts"

/**
 * Erases secrets for good, each in the order login, outputs, state. The state goes last: until it
 * does, it names what is to
 * be erased, and every step may be done again; so the same command finishes what a crash left.
 */

export type DeleteOptions = {
  /** Left out: every secret of the environment. */
  readonly secrets?: readonly string[]
  /** Leave the login at the service as it is: only our copies go. */
  readonly keepLogin: boolean
}
export type LoginFate = "ends" | "kept" | "none"
export type Deleted =
  | {
      readonly kind: "erased"
      readonly login: LoginFate
      readonly outputs: readonly Change[]
      readonly versions: number
    }
  /** There was nothing of it. */
  | { readonly kind: "unknown" }
  /**
   * Nothing of this secret was touched, or `unproven`: its login could not be proven dead, and all
   * the rest is as it was.
   */
  | {
      readonly kind: "refused" | "unproven"
      readonly code: string
      readonly message: string
      readonly hint?: string
    }
export type Change = { readonly target: string; readonly variables: readonly string[] }
export type Deletions = Readonly<Record<string, Deleted>>

/** `unfinished`: the rotations that deleting would end first, if that can be. */
export type Plan = {
  readonly unfinished: readonly Unfinished[]
  /** One of them cannot be ended, and by it programs may hold a value that no longer works. */
  readonly cutOff?: true
  readonly would: Deletions
}
export type Unfinished = Pick<ChangeSet, "startedAt" | "direction" | "secrets"> & {
  /** Why it cannot be ended now: by secret, or of all of it. */
  readonly kept?: readonly (Why & { readonly secret?: string })[]
}

/**
 * What `erased` would be, looked at only; a refusal that only the service could say is not
 * foreseen.
 */
export function planDelete(app: App, environment: string, options: DeleteOptions): Promise<Plan> {
  return inspectEnvironment(app, environment, async (session, asBegun) => {
    const prospects = await Promise.all(
      endedFirst(session).map((set) => prospectOf(asBegun(set), set)),
    )
    const kept = prospects.filter(isKept)
    const blocks = kept.some(({ set }) => !isDeferrable(set))
    const would = await eachOf(session, options, async (name) => {
      // As the command itself: what stays open holds up all, unless it has touched nothing.
      if (blocks) throw notFinished(environment)
      const ends = prospects.find(({ set }) => set.secrets.includes(name))
      if (ends === undefined || isKept(ends)) refuseOpen(session, name)
      await refuseLeft(session, name)
      const drafts = await draftsWithout(session, name)
      await discard(drafts)
      return {
        kind: "erased",
        login: loginOf(session, name, options),
        outputs: changesOf(drafts),
        versions: session.state(name).versions.length,
      }
    })
    const cut =
      kept.length > 0 && endedFirst(session).some((set) => cutOff(asBegun(set)).length > 0)
    const plan = { unfinished: prospects.map(unfinishedOf), would }
    return cut ? { ...plan, cutOff: true } : plan
  })
}

/** The journal, and what a containment did not wait for: each is ended before anything else. */
function endedFirst({ document }: Session): readonly ChangeSet[] {
  return madeWay(document).concat(document.changeSet ?? [])
}

function unfinishedOf(prospect: Prospect): Unfinished {
  const { startedAt, direction, secrets } = prospect.set
  const kept = isKept(prospect) ? { kept: whysOf(prospect) } : {}
  return { startedAt, direction, secrets, ...kept }
}

function notFinished(environment: string): AppError {
  return new AppError("journal-open", `${environment}: a rotation is not finished yet`, {
    hint: "see mycelium status",
  })
}

export function deleteSecrets(
  app: App,
  environment: string,
  options: DeleteOptions,
): Promise<Deletions> {
  return withEnvironment(app, environment, async ({ session }) => {
    if (session.changeSet !== undefined) throw notFinished(environment)
    return eachOf(session, options, (name) => deleteOne(session, name, options))
  })
}

async function eachOf(
  session: Session,
  options: DeleteOptions,
  act: (name: string) => Promise<Deleted>,
): Promise<Deletions> {
  const known = new Set([
    ...Object.keys(session.work.drivers),
    ...Object.keys(session.document.secrets),
  ])
  const stranger = options.secrets?.find((name) => !known.has(name))
  if (stranger !== undefined)
    throw new AppError(
      "usage",
      `there is no secret ${JSON.stringify(stranger)} in ${session.work.environment}`,
      { hint: `it has: ${[...known].join(", ")}` },
    )
  const done: Record<string, Deleted> = {}
  for (const name of options.secrets ?? known) done[name] = await attempt(session, name, act)
  return done
}

/** One secret's failure is its own. */
async function attempt(
  session: Session,
  name: string,
  act: (name: string) => Promise<Deleted>,
): Promise<Deleted> {
  const { versions, uncontained } = session.state(name)
  if (versions.length === 0 && uncontained === undefined) return { kind: "unknown" }
  try {
    return await act(name)
  } catch (error) {
    return { kind: "refused", ...describeError(error) }
  }
}

async function deleteOne(session: Session, name: string, options: DeleteOptions): Promise<Deleted> {
  refuseOpen(session, name)
  await refuseLeft(session, name)
  const { work } = session
  const login = loginOf(session, name, options)
  // Drafted before the login ends: a full disk or a drifted file is found now.
  const drafts = await draftsWithout(session, name)
  try {
    await session.commit({ events: [{ event: "delete-begin", secret: name, login }], flush: true })
    if (login === "ends") {
      work.onProgress("login", "ends, and a login must be refused", name)
      const alive = await endLogin(session, name)
      if (alive !== undefined) return alive
    }
    for (const { output, draft } of drafts) {
      if (!draft.changed) continue
      work.onProgress("output", `${output.target}: without ${draft.changes.join(", ")}`, name)
      await land(session, output, draft)
    }
  } finally {
    await discard(drafts)
  }
  const versions = session.state(name).versions.length
  await session.commit({
    written: session.writes(drafts),
    patches: { [name]: erase(work.host.now().toISOString()) },
    events: [{ event: "delete", secret: name, login }],
    flush: true,
  })
  return { kind: "erased", login, outputs: changesOf(drafts), versions }
}

/** Once its versions are erased, nobody can tell any more that such a line shows one of them. */
async function refuseLeft(session: Session, name: string): Promise<void> {
  const [left] = await leftBeside(session, [name])
  if (left === undefined) return
  const { environment } = session.work
  const way = left.left.whole
    ? `mycelium render ${environment} --prune takes that away; then the same command again`
    : "take that out of the file by hand; then the same command again"
  throw new AppError(
    "variable-left",
    `${left.target}: ${left.left.name} is not in the config and shows ${left.left.version} of ${environment}/${name}`,
    { hint: way },
  )
}

function refuseOpen(session: Session, name: string): void {
  if (session.isOpen(name))
    throw new AppError("journal-open", "an earlier rotation of it is not finished yet", {
      hint: "mycelium run, or rotate-now, asks its service again",
    })
}

/**
 * What becomes of the login; throws where it could not be ended and nobody said that it may stay.
 */
function loginOf(session: Session, name: string, { keepLogin }: DeleteOptions): LoginFate {
  const driver: Driver | undefined = session.work.drivers[name]
  if (session.state(name).versions.length === 0) return "none"
  if (
    driver?.overlap === "none" ||
    (driver === undefined && session.state(name).driver === "generated")
  )
    return "none"
  if (keepLogin) return "kept"
  const hint =
    "if nothing uses its login any more, end it at the service by hand; then (or where another secret has the login now) add --keep-login"
  if (driver === undefined)
    throw new AppError(
      "delete-no-driver",
      "it is in the state but not in the config, so its login cannot be ended",
      { hint: `put it back into the config; or ${hint}` },
    )
  if (driver.deleteLogin === undefined)
    throw new AppError("delete-no-admin", "its login cannot be ended with what the config gives", {
      hint: `name an admin; or ${hint}`,
    })
  return "ends"
}

/** Undefined once every value that may be live is proven dead. */
async function endLogin(session: Session, name: string): Promise<Deleted | undefined> {
  const driver = session.work.drivers[name]
  const { current, previous, uncertain } = await session.versions(name)
  const known = [current, previous, ...uncertain].filter((one) => one !== undefined)
  const hidden = hiddenActOf(session, name)
  if (hidden !== undefined) throw new AppError(hidden.code, hidden.message)
  await beginActing(session, [name])
  if (driver?.deleteLogin === undefined)
    throw new AppError("internal", "no driver can end this login")
  if (
    !(await within(deadlines.settle + (driver.settleMs ?? 0), (signal) =>
      driver.settle(known, signal),
    ))
  ) {
    throw new AppError(notSettled.code, notSettled.message, { remedy: "retry" })
  }
  try {
    const act = async (signal: AbortSignal, waitedMs: number): Promise<Forgotten> =>
      (await driver.deleteLogin?.(known, signal, waitedMs)) ?? {}
    await untilOver(session, name, act, "the same command again waits for it")
  } catch (error) {
    if (error instanceof AppError && error.remedy === "give-up") throw error
    return { kind: "unproven", ...describeError(error) }
  }
  for (const one of known) {
    const answer = await probe(session, name, one)
    if (answer !== "refused")
      return notDead(one, answer, unclear(session, name, noClearAnswer(one.version)))
  }
  return undefined
}

function noClearAnswer(version: string): string {
  return `the service gives no clear answer about ${version}`
}

function notDead(
  { version }: Credential,
  answer: "accepted" | "unknown",
  message: string,
): Deleted {
  if (answer === "accepted")
    return {
      kind: "unproven",
      code: "not-proven-dead",
      message: `the service still accepts ${version}`,
    }
  return {
    kind: "unproven",
    code: "no-answer",
    message,
  }
}

type Without = { readonly output: Output; readonly draft: Draft }

/** Every output that shows the secret, without it; all of them, or none and a throw. */
async function draftsWithout(session: Session, name: string): Promise<readonly Without[]> {
  const drafts: Without[] = []
  try {
    for (const output of session.outputsOf([name])) {
      const remove = output.remove?.bind(output, [name], session.issued)
      if (remove === undefined)
        throw new AppError(
          "output-cannot-remove",
          `${output.target} cannot be freed of it: this kind of output has no such way`,
          { hint: "take the output out of the config, and remove the file by hand" },
        )
      drafts.push({ output, draft: await within(deadlines.output, (signal) => remove(signal)) })
    }
    return drafts
  } catch (error) {
    await discard(drafts)
    throw error
  }
}

async function discard(drafts: readonly Without[]): Promise<void> {
  for (const { draft } of drafts) await draft.discard()
}

function changesOf(drafts: readonly Without[]): readonly Change[] {
  return drafts
    .filter(({ draft }) => draft.changed)
    .map(({ output, draft }) => ({ target: output.target, variables: draft.changes }))
}
