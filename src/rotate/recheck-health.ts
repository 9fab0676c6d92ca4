import type { AuditEvent } from "../core/audit-line.ts"
import { type Patches, chainPatches } from "../core/patches.ts"
import type { Deployment } from "../core/ports.ts"
import { type UnhealthyDeployment, inWords, noteHealthy, noteUnhealthy } from "../core/unhealthy.ts"
import { changeUnwritten, withoutPrograms } from "../core/unwritten.ts"
import { hiddenActing } from "./elsewhere.ts"
import { beginAgain } from "./acting.ts"
import { readBy } from "./restart-all.ts"
import type { Session } from "./session.ts"
import { readsNothingOwed } from "./unwritten/restart.ts"
import { type Restarting, restartFields, whyOf } from "./work.ts"

/**
 * Programs that did not get healthy with a value which became current all the same: has a person
 * corrected that meanwhile? Their health is asked; if nothing asks for it, only a restart can tell.
 * Returns what is still wrong, by secret.
 */
export async function recheckHealth(
  session: Session,
  names: readonly string[],
  incident: string,
): Promise<Readonly<Record<string, string>>> {
  const noted = names.filter((name) => session.state(name).unhealthy !== undefined)
  if (noted.length === 0) return {}
  const hidden = hiddenActing(session)
  // It may be the very restart that would be begun here.
  if (hidden !== undefined) return Object.fromEntries(noted.map((name) => [name, hidden.message]))
  const answers = await askAgain(session, noted)
  // A program that left the config cannot be asked any more.
  const still = noted.map((name) => ({ name, found: unhealthyOf(session, name, answers) }))
  const now = session.work.host.now()
  const notes: Patches = Object.fromEntries(
    still.map(({ name, found }) => [name, noteUnhealthy(found, now)]),
  )
  const healthy = answers.filter(({ answer }) => answer === true).map(({ program }) => program.name)
  await session.commit({
    patches: chainPatches(
      { ...noteHealthy(session.document, healthy), ...notes },
      owedNoMore(session, answers),
    ),
    events: answers.map((one) => eventOf(session, one, { names, incident })),
    flush: true,
  })
  return Object.fromEntries(
    still.filter(({ found }) => found.length > 0).map(({ name, found }) => [name, inWords(found)]),
  )
}

type Answer = {
  readonly program: Deployment
  readonly answer: Restarting
  /** Nothing asks for its health: it was restarted. */
  readonly isRestart: boolean
}

/** All are asked at once; then those that have to be are restarted, one after another. */
async function askAgain(session: Session, names: readonly string[]): Promise<readonly Answer[]> {
  const programs = new Set(names.flatMap((name) => programsOf(session, name)))
  const asked = await Promise.all(
    session.work.deployments
      .filter(({ name }) => programs.has(name))
      .map(async (program) => ({ program, health: await health(session, program) })),
  )
  const mustRestart = asked.some((one) => one.health === undefined)
  const markOf = mustRestart ? await beginAgain(session) : undefined
  const answers: Answer[] = []
  for (const { program, health } of asked) {
    const answer = health ?? (await restart(session, program, markOf?.(program.name)))
    answers.push({ program, answer, isRestart: health === undefined })
  }
  return answers
}

function programsOf(session: Session, name: string): readonly string[] {
  return session.state(name).unhealthy?.deployments ?? []
}

function unhealthyOf(
  session: Session,
  name: string,
  answers: readonly Answer[],
): readonly UnhealthyDeployment[] {
  const noted = programsOf(session, name)
  return answers.flatMap(({ program, answer }) =>
    answer === true || !noted.includes(program.name)
      ? []
      : [{ name: program.name, why: whyOf(answer) }],
  )
}

/** A restart that was owed, too, is over with it. */
function owedNoMore(session: Session, answers: readonly Answer[]): Patches {
  const restarted = answers.filter(
    ({ answer, isRestart }) => isRestart && (answer === true || typeof answer === "string"),
  )
  const over = readsNothingOwed(
    session,
    restarted.map(({ program }) => program.name),
  )
  return Object.fromEntries(
    Object.entries(session.document.secrets)
      .filter(([, { unwritten }]) => unwritten?.programs.some((one) => over.includes(one)))
      .map(([name]) => [name, changeUnwritten(withoutPrograms(over))]),
  )
}

function eventOf(
  session: Session,
  { program, answer, isRestart }: Answer,
  { names, incident }: { readonly names: readonly string[]; readonly incident: string },
): AuditEvent {
  return {
    event: isRestart ? "restart" : "health",
    deployment: program.name,
    ...(isRestart ? restartFields(answer) : { healthy: answer === true }),
    health: program.healthType ?? "none",
    secrets: readBy(session, program, names),
    incident,
  }
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
