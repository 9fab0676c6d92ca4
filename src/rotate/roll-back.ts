import { describeError } from "../base/error.ts"
import { isEntry } from "../core/entry.ts"
import type { UnhealthyDeployment } from "../core/unhealthy.ts"
import { driverOf } from "./ask.ts"
import { restartAll } from "./restart-all.ts"
import { end } from "./roll-back/end.ts"
import { restoreOutputs, waysBack, withoutRefused } from "./roll-back/outputs.ts"
import { type Back, lookAtAll, takeBack } from "./roll-back/services.ts"
import { waiting } from "./roll-back/waiting.ts"
import type { Refusals } from "./unwritten.ts"
import type { Session } from "./session.ts"
import type { Outcomes } from "./work.ts"

/**
 * Services first, then outputs, then deployments, each proven before the next; last, the given-up
 * value is taken away. But first it is seen which of them can go back at all: while it is unknown
 * what a service takes, or a file cannot follow, what the file shows has to work; so the services
 * of all that it shows are left as they are, and so are the programs that read it. An entry that
 * cannot be put back is left as it is, and owed; so is any output if a containment waits for the end.
 */
export async function rollBack(session: Session): Promise<Outcomes> {
  const set = session.changeSet
  if (set === undefined) return {}
  const fault = set.fault ?? { code: "rolled-back", message: "the rotation was taken back" }
  const looks = await lookAtAll(session, set)
  const ways = await withoutRefused(session, await waysBack(session, set))
  const backs = new Map<string, Back>()
  let held: readonly string[] = []
  let failed: Refusals = {}
  try {
    const waits = waiting(set, looks, ways)
    await Promise.all(
      set.secrets.map(async (name) =>
        backs.set(name, waits.get(name) ?? (await takeBack(session, name, looks.get(name)))),
      ),
    )
    held = session
      .outputsOf(set.secrets.filter((name) => backs.get(name)?.kind !== "back"))
      .map(({ target }) => target)
    failed = await restoreOutputs(session, ways, held)
  } catch (error) {
    const { code, message } = describeError(error)
    return Object.fromEntries(
      set.secrets.map((name) => [name, { kind: "waiting", by: "file", code, message } as const]),
    )
  } finally {
    for (const { draft } of ways) await draft?.discard().catch(() => undefined)
  }
  const unhealthy = await restartAll(session, [
    ...held,
    ...Object.keys(failed),
    ...entriesLeft(session),
  ])
  return end(
    session,
    { backs, held, failed },
    unhealthy.length === 0 ? fault : backUnhealthy(fault, unhealthy),
  )
}

/**
 * Who reads an entry that is owed, and may show a value that its service does not take any more, is
 * restarted once that is written. If a containment waits, it has restarts of its own.
 */
function entriesLeft(session: Session): readonly string[] {
  const { secrets = [], leaves } = session.changeSet ?? {}
  if (session.urgent) return []
  return session
    .outputsOf(secrets.filter((name) => driverOf(session, name).overlap !== "both"))
    .filter((output) => isEntry(output) && leaves?.[output.target] !== undefined)
    .map(({ target }) => target)
}

/**
 * The service and the files are back, and a program may be down, or hold a value that nothing takes
 * any more: that stays noted until a rotation of these secrets has proven it healthy.
 */
function backUnhealthy(
  fault: { readonly message: string },
  unhealthy: readonly UnhealthyDeployment[],
): { readonly code: string; readonly message: string } {
  return {
    code: "back-unhealthy",
    message:
      `${fault.message}; ` +
      `after going back ${unhealthy.map(({ name, why }) => `${name}: ${why}`).join(", ")}`,
  }
}
