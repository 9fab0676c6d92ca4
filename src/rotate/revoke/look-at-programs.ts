import { describeError } from "../../base/error.ts"
import type { Deployment } from "../../core/ports.ts"
import type { Version } from "../../core/version.ts"
import { driverOf } from "../ask.ts"
import type { Death } from "../death.ts"
import { deploymentsOf } from "../readers.ts"
import type { Session } from "../session.ts"

/** Each program is asked once in a round of revokes, whichever of its secrets comes first. */
export type ProgramLooks = Map<string, Promise<Death | undefined>>

/**
 * Before a value is taken away that is still accepted: the programs that got healthy with the new
 * one still are. The answer at the restart may have come from an old program that was about to end,
 * and after the revoke there is no value to go back to. One that is noted as unhealthy was so before,
 * and holds up nothing. Undefined if all are healthy.
 */
export async function needsFormer(
  session: Session,
  name: string,
  { versions, looks }: { readonly versions: readonly Version[]; readonly looks: ProgramLooks },
): Promise<Death | undefined> {
  const lives = versions.some(({ stage }) => stage.kind === "previous")
  // Where one value is accepted, the former is dead already.
  if (!lives || driverOf(session, name).overlap !== "both") return undefined
  const noted = session.state(name).unhealthy?.deployments ?? []
  const programs = deploymentsOf(session, [name]).filter((one) => !noted.includes(one.name))
  const found = await Promise.all(
    programs.map((program) => {
      const look = looks.get(program.name) ?? lookAt(session, program)
      looks.set(program.name, look)
      return look
    }),
  )
  return found.find((one) => one !== undefined)
}

async function lookAt({ work }: Session, program: Deployment): Promise<Death | undefined> {
  try {
    const answer = await work.restarts.healthy(program, work.stop)
    return answer === true ? undefined : unhealthy(program.name, answer)
  } catch (error) {
    return { kind: "owed", ...describeError(error) }
  }
}

function unhealthy(name: string, why: string): Death {
  return {
    kind: "owed",
    code: "deployment-unhealthy",
    message: `${name} is not healthy any more, so the former value is not taken away: ${why}`,
    hint:
      `look at its log; once ${name} is healthy the revoke follows (its restart command may ` +
      "have returned before the old program was gone: mycelium help restarts)",
  }
}
