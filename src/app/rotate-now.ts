import { describeError } from "../base/error.ts"
import { formatDuration } from "../base/text/duration.ts"
import { openSets } from "../core/change-set.ts"
import { gracesOf } from "../core/graces.ts"
import { versionAt } from "../core/version.ts"
import { endDrifts } from "../rotate/drift.ts"
import { revokeOwed } from "../rotate/revoke.ts"
import type { Revoked } from "../rotate/revoke/revoked.ts"
import { rotate } from "../rotate/rotate.ts"
import type { Session } from "../rotate/session.ts"
import type { Outcomes } from "../rotate/work.ts"
import type { Order } from "../rotate/order.ts"
import type { App } from "./app.ts"
import { withEnvironment } from "./environment.ts"
import { longRetryBudget, resumeWithRetries } from "./retry-budget.ts"

export type RotateNow = Omit<Order, "secrets"> & {
  /** Left out: every secret of the environment that has a value (or, for `new`, that has none). */
  readonly secrets?: readonly string[]
  readonly skipGrace: boolean
  /** Wait for graces up to so long (ms); longer ones are left to `run`. */
  readonly waitMs: number
}
export type Report = {
  readonly environment: string
  readonly recovered: Outcomes
  readonly outcomes: Outcomes
  readonly revoked: readonly Revoked[]
  /** Revokes that are still owed, and when. */
  readonly owed: readonly {
    readonly secret: string
    readonly version: string
    readonly revokeAt: string
  }[]
  /** Secrets without a value that were left alone. */
  readonly untouched: readonly string[]
  /** Secrets of rotations that are not finished: until those end, nothing of them is revoked. */
  readonly open: readonly string[]
}

/**
 * A person who rotates looks on, and was told by `check` that this corrects what a clock that was
 * ahead has written.
 */
const seen = { isTrusted: () => true } as const

/** Rotates at once, revokes what is due, and waits for short graces without holding the lock. */
export async function rotateNow(
  app: App,
  environment: string,
  options: RotateNow,
): Promise<Report> {
  const first = await withEnvironment(
    app,
    environment,
    async ({ session, recovered: resumed, resumeDeferred, revokeBeside }) => {
      const recovered = { ...resumed, ...(await resumeDeferred(options.secrets)) }
      const done =
        session.changeSet === undefined
          ? await rotateSelected(session, options, recovered)
          : { outcomes: {}, revoked: await revokeBeside({ skipGrace: false }), untouched: [] }
      return { environment, recovered, ...done, owed: owedOf(session), open: openOf(session) }
    },
    seen,
  )
  return waitForGraces(app, first, options.waitMs)
}

async function rotateSelected(
  session: Session,
  options: RotateNow,
  recovered: Outcomes,
): Promise<Pick<Report, "outcomes" | "revoked" | "untouched">> {
  const { secrets: wanted, untouched } = select(session, options)
  // What a killed run of this command had begun is what was asked for: it is not rotated again.
  const secrets = wanted.filter(
    (name) => recovered[name]?.kind !== "rotated" && !session.isOpen(name),
  )
  await endDrifts(session, secrets)
  const before = await revokeOwed(session, { skipGrace: options.skipGrace, secrets })
  const started = secrets.length === 0 ? {} : await rotate(session, { ...options, secrets })
  const outcomes =
    session.changeSet === undefined
      ? started
      : await resumeWithRetries(session, longRetryBudget, started)
  const after = await revokeOwed(session, { skipGrace: false, except: before })
  return { outcomes, revoked: lastOfEach([...before, ...after]), untouched }
}

function select(
  session: Session,
  options: RotateNow,
): { readonly secrets: readonly string[]; readonly untouched: readonly string[] } {
  const all = Object.keys(session.work.drivers)
  const hasValue = (name: string): boolean =>
    versionAt(session.state(name), "current") !== undefined
  const secrets =
    options.secrets ?? all.filter((name) => hasValue(name) !== (options.why === "new"))
  return {
    secrets,
    untouched:
      options.why === "new" ? [] : all.filter((name) => !hasValue(name) && !secrets.includes(name)),
  }
}

/** What became of each version in the end: a revoke that failed may have been tried twice. */
function lastOfEach(revoked: readonly Revoked[]): readonly Revoked[] {
  return [...new Map(revoked.map((one) => [`${one.secret} ${one.version}`, one])).values()]
}

function openOf({ document }: Session): Report["open"] {
  return openSets(document).flatMap(({ secrets }) => secrets)
}

function owedOf(session: Session): Report["owed"] {
  return Object.entries(gracesOf(session.work.host).seen(session.document).secrets).flatMap(
    ([secret, state]) =>
      state.versions.flatMap((version) =>
        // Of one that the config has no more nothing is promised: status and check tell of it.
        version.stage.kind === "previous" && session.work.drivers[secret] !== undefined
          ? [{ secret, version: version.id, revokeAt: version.stage.revokeAt }]
          : [],
      ),
  )
}

async function waitForGraces(app: App, report: Report, waitMs: number): Promise<Report> {
  const now = app.host.now().getTime()
  // What was refused for its grace is not waited for: it would not be rotated after it. A grace may
  // have ended while others were worked on.
  const waits = report.owed
    .filter(({ secret }) => report.outcomes[secret]?.kind !== "left")
    .filter((one) => !report.revoked.some((tried) => isSame(tried, one)))
    .map((one) => ({ ...one, ms: Date.parse(one.revokeAt) - now }))
    .filter(({ ms }) => ms <= waitMs)
  if (waits.length === 0 || app.stop.aborted) return report
  const longest = Math.max(...waits.map(({ ms }) => ms))
  if (longest > 0) await waitAloud(app, report.environment, waits, longest)
  if (app.stop.aborted) return report
  try {
    return await afterGraces(app, report)
  } catch (error) {
    // What was done before is reported all the same, and that these are not revoked.
    const { code, message } = describeError(error)
    ;(app.notice ?? app.onProgress)(report.environment, "grace", `${message} (${code})`)
    return report
  }
}

function afterGraces(app: App, report: Report): Promise<Report> {
  return withEnvironment(
    app,
    report.environment,
    async ({ session, recovered, revokeBeside }) => {
      const revoked =
        session.changeSet === undefined
          ? await revokeOwed(session, { skipGrace: false })
          : await revokeBeside({ skipGrace: false })
      return {
        ...report,
        recovered: { ...report.recovered, ...recovered },
        revoked: lastOfEach([...report.revoked, ...revoked]),
        owed: owedOf(session),
        open: openOf(session),
      }
    },
    seen,
  )
}

type Waited = Report["owed"][number] & { readonly ms: number }

async function waitAloud(
  app: App,
  environment: string,
  waits: readonly Waited[],
  longest: number,
): Promise<void> {
  const until = new Date(app.host.now().getTime() + longest)
  const which = waits.map(({ secret, version }) => `${version} of ${secret}`).join(", ")
  app.onProgress(
    environment,
    "grace",
    `this command waits until ${until.toISOString().slice(0, 19).replace("T", " ")} UTC, for ` +
      `${formatDuration(longest)}, then revokes ${which}; Ctrl-C is safe: all else is done, and ` +
      "mycelium run (or the next rotate-now) revokes " +
      `${waits.length === 1 ? "it" : "them"} then`,
  )
  await app.host.pause(longest + 50, app.stop)
}

type OfVersion = { readonly secret: string; readonly version?: string }

function isSame(one: OfVersion, other: OfVersion): boolean {
  return one.secret === other.secret && one.version === other.version
}
