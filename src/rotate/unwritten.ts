import { describeError } from "../base/error.ts"
import { type AuditEvent, namesMost } from "../core/audit-line.ts"
import type { Output, Ready } from "../core/ports.ts"
import type { Refusal } from "../core/change-set.ts"
import { type Beside, draftBeside } from "./beside.ts"
import { sideBySide } from "./land.ts"
import type { Session } from "./session.ts"
import { stage } from "./stage.ts"

/**
 * Outputs that cannot be written in an incident. Anyone who can write an output could forbid the
 * death of the value in it by one line; so it is left as it is, byte for byte, and owed: until
 * `settleUnwritten` (or `render`, or a rotation) has written it and the programs that read it were
 * restarted.
 */

export type Refusals = Readonly<Record<string, Refusal>>

/** What tells, in the log, of outputs that are left as they are. */
export function leftEvents(
  session: Session,
  leaves: Refusals,
  secrets: readonly string[],
): readonly AuditEvent[] {
  return Object.entries(leaves).map(([target, { code }]) => {
    const shows = session.work.outputs.find((one) => one.target === target)?.shows ?? []
    return {
      event: "output-owed",
      outputs: [target],
      code,
      secrets: secrets.filter((name) => shows.includes(name)).slice(0, namesMost),
    }
  })
}

/** Durable before anything is done without them. */
export async function leaveOutputs(session: Session, leaves: Refusals): Promise<void> {
  const set = session.changeSet
  if (set === undefined || Object.keys(leaves).length === 0) return
  tellLeft(session, leaves)
  await session.commit({
    changeSet: { ...set, leaves: { ...set.leaves, ...leaves } },
    events: leftEvents(session, leaves, set.secrets),
  })
}

export function tellLeft({ work }: Session, leaves: Refusals): void {
  for (const [target, { message, code }] of Object.entries(leaves))
    work.onProgress("deliver", `${target} is left as it is: ${message} (${code})`)
}

/** The same, and staged where a write takes two calls: no trial. */
export async function draftAndStage(
  session: Session,
  targets: readonly string[],
  beside: Beside,
): ReturnType<typeof draftEach> {
  const { ready, refused } = await draftEach(session, targets, beside)
  const unstaged = await stage(session, ready)
  return {
    ready: ready.filter(({ output }) => unstaged[output.target] === undefined),
    refused: { ...refused, ...unstaged },
  }
}

/** Every output that can be drafted; why the others cannot. */
export async function draftEach(
  session: Session,
  targets: readonly string[],
  beside: Beside,
): Promise<{ readonly ready: readonly Ready[]; readonly refused: Refusals }> {
  const outputs = session.work.outputs.filter(({ target }) => targets.includes(target))
  const ready = new Map<Output, readonly Ready[]>()
  const refused: Record<string, Refusal> = {}
  await sideBySide(outputs, async (output) => {
    try {
      ready.set(output, await draftBeside(session, [output], beside))
    } catch (error) {
      refused[output.target] = describeError(error)
    }
  })
  return { ready: outputs.flatMap((output) => ready.get(output) ?? []), refused }
}

/** The programs that read one of these. */
export function readersOf(session: Session, targets: readonly string[]): readonly string[] {
  return session.work.deployments
    .filter(({ reads }) => reads.some((target) => targets.includes(target)))
    .map(({ name }) => name)
}
