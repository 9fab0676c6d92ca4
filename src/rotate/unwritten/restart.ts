import type { AuditEvent } from "../../core/audit-line.ts"
import type { Deployment } from "../../core/ports.ts"
import type { Patch } from "../../core/state.ts"
import {
  type UnhealthyDeployment,
  addUnhealthy,
  noteHealthy,
  withoutUnhealthy,
} from "../../core/unhealthy.ts"
import {
  changeUnwritten,
  owedIn,
  renderedOnly,
  withGone,
  withoutPrograms,
} from "../../core/unwritten.ts"
import { hiddenActing } from "../elsewhere.ts"
import { beginAgain } from "../acting.ts"
import { readBy } from "../restart-all.ts"
import type { Session } from "../session.ts"
import { readersOf } from "../unwritten.ts"
import { restartFields, whyOf } from "../work.ts"

/** Those of these programs whose outputs all show the current values, as far as they are owed. */
export function readsNothingOwed(session: Session, names: readonly string[]): readonly string[] {
  const stale = readersOf(session, Object.keys(owedIn(session.document).outputs))
  return names.filter((name) => !stale.includes(name))
}

/**
 * Restarts those of `names` that read nothing which is still owed; durable one by one, for a killed
 * run begins again with the rest.
 */
export async function restartOwed(session: Session, names: readonly string[]): Promise<void> {
  const { work } = session
  const ready = readsNothingOwed(session, names).filter((name) => !session.notRestarted.has(name))
  const known = work.deployments.filter(({ name }) => ready.includes(name))
  // One that takes a value which no service asks for goes on with the old one, named in the config
  // or not.
  const lives = Object.values(session.document.secrets).flatMap(({ unwritten }) =>
    unwritten?.lives === true ? unwritten.programs : [],
  )
  const gone = ready.filter(
    (name) => !known.some((one) => one.name === name) && !lives.includes(name),
  )
  if (gone.length > 0) await noteRestarted(session, { names: gone })
  await noteGone(session)
  // It may be the very restart that would be begun here.
  if (known.length === 0 || work.stop.aborted || hiddenActing(session) !== undefined) return
  const healthy = await healthyAlready(session, known)
  const unsure = known.filter((one) => !healthy.includes(one))
  if (unsure.length === 0) return
  const markOf = await beginAgain(session)
  for (const deployment of unsure) {
    if (work.stop.aborted) return
    await restartOne(session, deployment, markOf(deployment.name))
  }
}

/** For those who look without a config at hand: what no run can end. */
async function noteGone(session: Session): Promise<void> {
  const isKnown = (name: string): boolean =>
    session.work.deployments.some((one) => one.name === name)
  const patches: Record<string, Patch> = {}
  for (const [name, { unwritten }] of Object.entries(session.document.secrets)) {
    if (unwritten === undefined) continue
    const gone = unwritten.programs.filter((one) => !isKnown(one))
    if (gone.join() !== (unwritten.gone ?? []).join())
      patches[name] = changeUnwritten(withGone(gone))
  }
  if (Object.keys(patches).length > 0) await session.commit({ patches })
}

/** What only `render` has changed may be read already: a person has restarted its program. */
async function healthyAlready(
  session: Session,
  known: readonly Deployment[],
): Promise<readonly Deployment[]> {
  const { work } = session
  const rendered = renderedOnly(session.document)
  const asked = known.filter(({ name, health }) => rendered.has(name) && health !== undefined)
  const answers = await Promise.all(
    asked.map(async (program) => {
      work.onProgress("health", `${program.name}: asked before a restart`)
      return { program, answer: await work.restarts.healthy(program, work.stop) }
    }),
  )
  const healthy = answers.filter(({ answer }) => answer === true).map(({ program }) => program)
  if (healthy.length > 0) {
    const names = healthy.map(({ name }) => name)
    const events = healthy.map(
      (program): AuditEvent => ({
        event: "health",
        deployment: program.name,
        healthy: true,
        health: program.healthType ?? "none",
        secrets: readBy(session, program, Object.keys(session.document.secrets)),
      }),
    )
    await noteRestarted(session, { names, events })
  }
  return healthy
}

async function restartOne(session: Session, deployment: Deployment, mark: string): Promise<void> {
  const { work } = session
  const { name } = deployment
  const secrets = readBy(session, deployment, Object.keys(session.document.secrets))
  work.onProgress("restart", `${name}: ${deployment.restarter.label}`)
  const answer = await work.restarts.restart(deployment, mark, work.stop, false)
  const event: AuditEvent = {
    event: "restart",
    deployment: name,
    ...restartFields(answer),
    health: deployment.healthType ?? "none",
    secrets,
    ...incidentOf(session, secrets),
  }
  // It is owed still, and the turns that follow try it ever more seldom.
  const stays = answer !== true && typeof answer !== "string"
  if (stays) session.notRestarted.add(name)
  const unhealthy = answer === true ? [] : [{ name, why: whyOf(answer) }]
  await noteRestarted(session, {
    names: stays ? [] : [name],
    unhealthy,
    events: [event],
    of: [name],
  })
}

/** The last one that these have gone through. */
export function incidentOf(
  session: Session,
  secrets: readonly string[],
): { readonly incident?: string } {
  const incident = secrets
    .map((name) => session.state(name))
    .find(({ unwritten }) => unwritten !== undefined)?.contained?.incident
  return incident === undefined ? {} : { incident }
}

type NewlyRestarted = {
  /** They are owed no more. */
  readonly names: readonly string[]
  readonly unhealthy?: readonly UnhealthyDeployment[]
  readonly events?: readonly AuditEvent[]
  /** Whose programs these are. */
  readonly of?: readonly string[]
}

/**
 * What their last restart came to replaces what was noted of their health, with every secret that
 * they read, for whichever of them the restart was owed.
 */
async function noteRestarted(
  session: Session,
  { names, unhealthy = [], events = [], of = names }: NewlyRestarted,
): Promise<void> {
  const now = session.work.host.now()
  const sound = names.filter((name) => !unhealthy.some((one) => one.name === name))
  const owing = Object.entries(session.document.secrets).filter(([, { unwritten }]) =>
    unwritten?.programs.some((name) => of.includes(name)),
  )
  const ofOwing = owing.map(([name]): readonly [string, Patch] => [
    name,
    (state) =>
      addUnhealthy(
        unhealthy,
        now,
      )(withoutUnhealthy(sound)(changeUnwritten(withoutPrograms(names))(state))),
  ])
  const patches = { ...noteHealthy(session.document, sound), ...Object.fromEntries(ofOwing) }
  await session.commit({ patches, events, flush: true })
}
