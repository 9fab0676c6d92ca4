import { formatDuration } from "../base/duration.ts"
import type { Finding } from "../core/ports.ts"
import { versionAt } from "../core/state.ts"
import { driverOf, said } from "../rotate/ask.ts"
import { preflight, trialValues } from "../rotate/preflight.ts"
import { deploymentsOf } from "../rotate/restart-all.ts"
import type { Order } from "../rotate/rotate.ts"
import type { Session } from "../rotate/session.ts"
import type { App } from "./app.ts"
import { patient, withEnvironment } from "./environment.ts"
import { AppError } from "../base/error.ts"

export type DryRun = {
  readonly environment: string
  readonly secrets: readonly {
    readonly name: string
    readonly apply: string
    readonly gap: string
    readonly revoke: string
    readonly notes: readonly string[]
    readonly blocked?: { readonly code: string; readonly says: string; readonly hint?: string }
  }[]
  readonly outputs: readonly { readonly target: string; readonly changes: readonly string[]; readonly keeps?: number }[]
  /** Why the outputs cannot be written. */
  readonly fault?: { readonly code: string; readonly says: string; readonly hint?: string }
  readonly restarts: readonly { readonly name: string; readonly says: string; readonly health?: string }[]
}

/** The whole way up to the first value: preflight with its logins, drafts that are thrown away. Changes nothing outside. */
export async function dryRun(app: App, environment: string, how: { readonly why: "asked" | "new" | "incident"; readonly secrets?: readonly string[]; readonly contain?: NonNullable<Order["contain"]> }): Promise<DryRun> {
  return withEnvironment(app, environment, patient, async ({ session }) => {
    if (session.changeSet !== undefined) throw new AppError("journal-open", `${environment}: a rotation is not finished yet`, { hint: "see mycelium status" })
    const names = how.secrets ?? Object.keys(session.work.drivers).filter((name) => (versionAt(session.state(name), "current") !== undefined) !== (how.why === "new"))
    const { members, left, findings, firsts } = await preflight(session, { secrets: names, ...how })
    const secrets = await Promise.all(names.map((name) => describe(session, name, { left, contain: how.contain }, [...(findings[name] ?? []), ...(how.why === "new" && driverOf(session, name).overlap !== "none" && firsts[name] === undefined ? [noWayBack] : [])])))
    return { environment, secrets, ...(await drafts(session, members)), restarts: deploymentsOf(session, members).map(({ name, restarter, health }) => ({ name, says: restarter.says, ...(health === undefined ? {} : { health: health.says }) })) }
  })
}

const noWayBack: Finding = { code: "no-way-back", severity: "warning", says: "a first value cannot go back: what the service holds now cannot be read" }

type About = { readonly left: Awaited<ReturnType<typeof preflight>>["left"]; readonly contain: Order["contain"] }

async function describe(session: Session, name: string, { left, contain }: About, findings: readonly Finding[]): Promise<DryRun["secrets"][number]> {
  const driver = driverOf(session, name)
  const versions = await session.versions(name)
  const graceMs = session.work.policies[name]?.graceMs ?? 0
  const blocked = left[name]
  return {
    name,
    apply: driver.describe(versions),
    gap: { both: contain?.cutFirst === true ? "from here to the last healthy restart" : "none, old and new are accepted side by side", one: "from here to the last healthy restart", none: "none, no service asks" }[driver.overlap],
    revoke: contain !== undefined && driver.overlap !== "none" ? "every value but the new one at once, whoever set it; every older session ends; proven by refused logins" : { both: `the old value ${formatDuration(graceMs)} later, proven by a refused login`, one: "the old value is dead at once, proven by a refused login", none: "the old value is kept, sealed" }[driver.overlap],
    notes: findings.filter((one) => one.severity !== "error").map((one) => one.says),
    ...(blocked?.is === "left" ? { blocked: { code: blocked.code, says: blocked.says, ...(blocked.hint === undefined ? {} : { hint: blocked.hint }) } } : {}),
  }
}

async function drafts(session: Session, members: readonly string[]): Promise<Pick<DryRun, "outputs" | "fault">> {
  const values = await trialValues(session, members)
  try {
    const ready = await session.work.delivery.draft(session.outputsOf(members), values, session.known)
    for (const { draft } of ready) await draft.discard()
    return { outputs: ready.map(({ output, draft: { changes, keeps } }) => ({ target: output.target, changes, ...(keeps === undefined ? {} : { keeps }) })) }
  } catch (error) {
    return { outputs: [], fault: said(error) }
  }
}
