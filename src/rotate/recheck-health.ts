import type { AuditEvent } from "../core/audit-line.ts"
import type { Deployment } from "../core/ports.ts"
import type { Patch } from "../core/state.ts"
import { type UnhealthyDeployment, inWords, noteHealthy, noteUnhealthy } from "../core/unhealthy.ts"
import { changeUnwritten, withoutPrograms } from "../core/unwritten.ts"
import { beginAgain, hiddenActing } from "./elsewhere.ts"
import { readBy } from "./restart-all.ts"
import type { Session } from "./session.ts"
import { readsNothingOwed } from "./unwritten.ts"
import { type Restarting, whyOf } from "./work.ts"

/**
 * Programs that did not get healthy with a value which became current all the same: has someone
 * seen to them meanwhile? Their
 * health is asked; where nothing asks for it, only a restart can tell. Returns what is still wrong,
 * by secret.
 */
export async function recheckHealth(
  session: Session,
  names: readonly string[],
  incident: string,
): Promise<Readonly<Record<string, string>>> {
  const noted = names.flatMap(
    (name) =>
      session.state(name).unhealthy?.deployments.map((deployment) => [name, deployment] as const) ??
      [],
  )
  const asked = session.work.deployments.filter(({ name }) =>
    noted.some(([, deployment]) => deployment === name),
  )
  if (noted.length === 0) return {}
  const hidden = hiddenActing(session)
  // It may be the very restart that would be begun here.
  if (hidden !== undefined) return Object.fromEntries(noted.map(([name]) => [name, hidden.message]))
  const answers = await Promise.all(
    asked.map(async (deployment) => [deployment, await health(session, deployment)] as const),
  )
  const markOf = answers.some(([, asks]) => asks === undefined)
    ? await beginAgain(session)
    : undefined
  const unhealthy: UnhealthyDeployment[] = []
  const restarted: string[] = []
  const events: AuditEvent[] = []
  for (const [deployment, asks] of answers) {
    const answer = asks ?? (await restart(session, deployment, markOf?.(deployment.name)))
    if (answer !== true) unhealthy.push({ name: deployment.name, why: whyOf(answer) })
    if (asks === undefined && (answer === true || typeof answer === "string"))
      restarted.push(deployment.name)
    events.push({
      event: asks === undefined ? "restart" : "health",
      deployment: deployment.name,
      healthy: answer === true,
      health: deployment.healthType ?? "none",
      secrets: readBy(session, deployment, names),
      incident,
    })
  }
  const left: Record<string, string> = {}
  const patches: Record<string, Patch> = { ...othersNoted(session, asked, unhealthy) }
  for (const name of new Set(noted.map(([one]) => one))) {
    // A program that the config does not have any more is nobody's to ask.
    const still = unhealthy.filter((one) =>
      noted.some(([secret, deployment]) => secret === name && deployment === one.name),
    )
    patches[name] = noteUnhealthy(still, session.work.host.now())
    if (still.length > 0) left[name] = inWords(still)
  }
  const settled = readsNothingOwed(session, restarted)
  for (const [name, { unwritten }] of Object.entries(session.document.secrets)) {
    const noted = patches[name]
    if (unwritten?.programs.some((one) => settled.includes(one)) === true)
      patches[name] = (state) => changeUnwritten(withoutPrograms(settled))(noted?.(state) ?? state)
  }
  await session.commit({ patches, events, flush: true })
  return left
}

/** The same program may be noted with secrets that were not asked about. */
function othersNoted(
  { document }: Session,
  asked: readonly Deployment[],
  unhealthy: readonly UnhealthyDeployment[],
): Readonly<Record<string, Patch>> {
  const healthy = asked
    .map(({ name }) => name)
    .filter((name) => !unhealthy.some((one) => one.name === name))
  return noteHealthy(document, healthy)
}

/** undefined: nothing asks for it. */
async function health(
  { work }: Session,
  deployment: Deployment,
): Promise<true | string | undefined> {
  if (deployment.health === undefined) return undefined
  work.onProgress("health", `${deployment.name}: asked again`)
  return work.restarts.healthy(deployment, work.stop)
}

function restart({ work }: Session, deployment: Deployment, mark = ""): Promise<Restarting> {
  work.onProgress("restart", `${deployment.name}: ${deployment.restarter.label}`)
  return work.restarts.restart(deployment, mark, work.stop, false)
}
