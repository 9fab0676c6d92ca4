import { shownName } from "../base/text/shown-name.ts"
import { landAlone } from "../rotate/land.ts"
import { leftBeside } from "../rotate/left.ts"
import { AppError, describeError } from "../base/error.ts"
import { type ChangeSet, isDeferrable, madeWay } from "../core/change-set.ts"
import { present } from "../base/present.ts"
import type { SecretState, Uncontained } from "../core/state.ts"
import { openContainment } from "../core/open-containment.ts"
import { erase } from "../core/version-changes.ts"
import { cutOff } from "../rotate/cut-off.ts"
import { type Prospect, type Why, isKept, prospectOf, whysOf } from "../rotate/prospects.ts"
import type { Session } from "../rotate/session.ts"
import type { App } from "../app/app.ts"
import { inspectEnvironment, withEnvironment } from "../app/environment.ts"
import type { Deleted, Deletions, DeleteOptions, LoginFate, Sessions } from "./delete/deleted.ts"
import { changesOf, discard, draftsWithout } from "./delete/drafts.ts"
import { endLogin, loginOf } from "./delete/login.ts"

/**
 * Erases secrets for good, each in the order login, outputs, state. The state goes last: until it
 * does, it names what is to be erased, and every step may be done again; so the same command finishes
 * what a crash left.
 */

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
  for (const name of options.secrets ?? known)
    done[name] = isNothing(session.state(name), options)
      ? { kind: "unknown" }
      : await attempt(name, act)
  return done
}

/** Of one that was erased it can still be said that its login was ended. */
function isNothing(
  { versions, uncontained, erased }: SecretState,
  { loginEnded = false }: DeleteOptions,
): boolean {
  return versions.length === 0 && uncontained === undefined && !(loginEnded && erased !== undefined)
}

/** One secret's failure is its own. */
async function attempt(name: string, act: (name: string) => Promise<Deleted>): Promise<Deleted> {
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
  let sessions: Sessions | undefined
  try {
    await session.commit({ events: [{ event: "delete-begin", secret: name, login }], flush: true })
    if (login === "ends") {
      work.onProgress("login", "ends, and a login must be refused", name)
      const ended = await endLogin(session, name)
      if (ended.kind !== "dead") return ended
      sessions = ended.sessions
    }
    for (const { output, draft } of drafts) {
      if (!draft.changed) continue
      work.onProgress("output", `${output.target}: without ${draft.changes.join(", ")}`, name)
      await landAlone(session, output, draft)
    }
  } finally {
    await discard(drafts)
  }
  const versions = session.state(name).versions.length
  await session.commit({
    written: session.writes(drafts),
    patches: { [name]: erase(work.host.now().toISOString(), leftBy(session.state(name), login)) },
    events: [{ event: "delete", secret: name, login, ...(sessions && sessionsIn(sessions)) }],
    flush: true,
  })
  return { kind: "erased", login, ...present({ sessions }), outputs: changesOf(drafts), versions }
}

/** For the log. */
function sessionsIn(sessions: Sessions): Readonly<Record<string, string | number>> {
  return sessions.kind === "ended" ? { sessionsEnded: sessions.count } : { sessions: sessions.kind }
}

/** A login that was kept may still let in those who have its value. */
function leftBy(state: SecretState, login: LoginFate): Uncontained | undefined {
  return login === "kept" ? openContainment(state) : undefined
}

/** Once its versions are erased, nothing tells any more that such a line shows one of them. */
async function refuseLeft(session: Session, name: string): Promise<void> {
  const [left] = await leftBeside(session, [name])
  if (left === undefined) return
  const { environment } = session.work
  const way = left.left.whole
    ? `mycelium render ${environment} --prune takes that away; then the same command again`
    : "take that out of the file by hand; then the same command again"
  throw new AppError(
    "variable-left",
    `${left.target}: ${shownName(left.left.name)} is not in the config and shows ` +
      `${left.left.version} of ${environment}/${name}`,
    { hint: way },
  )
}

function refuseOpen(session: Session, name: string): void {
  if (session.isOpen(name))
    throw new AppError("journal-open", "an earlier rotation of it is not finished yet", {
      hint: "mycelium run, or rotate-now, asks its service again",
    })
}
