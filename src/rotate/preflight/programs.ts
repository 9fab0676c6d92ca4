import { present } from "../../base/present.ts"
import type { Deployment, Finding } from "../../core/ports.ts"
import type { Inspected } from "../inspect-programs.ts"
import { driftCode } from "../drift.ts"
import { deploymentsOf } from "../readers.ts"
import type { Kept } from "./result.ts"
import type { Session } from "../session.ts"
import type { Outcome } from "../work.ts"

/** What the config and a look at the programs say against a rotation of `name`. */
export function obstaclesTo(
  session: Session,
  name: string,
  programs: readonly Inspected[],
): readonly Finding[] {
  const readers = deploymentsOf(session, [name])
  return [
    ...(session.work.obstacles?.[name] ?? []),
    ...programs
      .filter(({ deployment }) => readers.includes(deployment))
      .flatMap((one) => one.findings),
  ]
}

/** The rotation would fail at their restart and go back, and the way back would fail there too. */
export function withoutUnrunnable(
  { members, left }: Kept,
  obstacles: (name: string) => readonly Finding[],
): Kept {
  const out: Record<string, Outcome> = { ...left }
  for (const name of members) {
    const found = obstacles(name).find(({ severity }) => severity === "error")
    if (found !== undefined) out[name] = keptOut(found)
  }
  return { members: members.filter((name) => out[name] === undefined), left: out }
}

/** A secret that a finding keeps out. */
export function keptOut({ code, message, remedy: hint }: Finding): Outcome {
  return { kind: "left", code, message, ...present({ hint }) }
}

/**
 * A program that is restarted reads every value of its outputs anew: also one that a service refuses
 * now, which the running program may not hold. So its other secrets wait, too.
 */
export function withoutReadersOfRefused(session: Session, { members, left }: Kept): Kept {
  const refused = Object.entries(session.document.secrets)
    .filter(([name, { drift }]) => isRefused(left[name], drift !== undefined))
    .map(([name]) => name)
  const out: Record<string, Outcome> = { ...left }
  for (const name of members) {
    const readers = deploymentsOf(session, [name])
    const beside = refused.find((other) =>
      deploymentsOf(session, [other]).some((one) => readers.includes(one)),
    )
    if (beside !== undefined) out[name] = restartLoadsRefused(session, name, beside)
  }
  return { members: members.filter((name) => out[name] === undefined), left: out }
}

/** `noted`: by an earlier look; what has been asked just now counts more. */
function isRefused(asked: Outcome | undefined, noted: boolean): boolean {
  return asked === undefined ? noted : asked.kind === "left" && asked.code === driftCode
}

function restartLoadsRefused(session: Session, name: string, beside: string): Outcome {
  const { environment } = session.work
  const others = deploymentsOf(session, [beside])
  const programs = deploymentsOf(session, [name]).filter((one) => others.includes(one))
  const names = programs.map((one) => one.name).join(", ")
  return {
    kind: "left",
    code: "restart-loads-refused",
    message: `its rotation would restart ${names} with the value of ${beside} that its service refuses`,
    hint: `put ${environment}/${beside} right first: mycelium explain ${driftCode} has the ways`,
  }
}

/** A deployment that is not healthy before could not prove anything after: its secrets wait. */
export async function withoutUnhealthyPrograms(
  session: Session,
  { members, left }: Kept,
): Promise<Kept> {
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
    else out[name] = unhealthyBefore(...blocking)
  }
  return { members: stay, left: out }
}

function unhealthyBefore({ name, healthType }: Deployment, why: string): Outcome {
  const variables =
    healthType === "command"
      ? "; a program gets none of your shell's variables but a few (mycelium help restarts)"
      : ""
  return {
    kind: "left",
    code: "deployment-unhealthy",
    message: `${name} is not healthy before the rotation: ${why}`,
    hint: `make it healthy first: only then can its health prove the new value${variables}`,
  }
}
