import { describeError } from "../../base/error.ts"
import { isEntry } from "../../core/entry.ts"
import type { Output } from "../../core/ports.ts"
import { owedIn } from "../../core/unwritten.ts"
import type { Death } from "../death.ts"
import type { Session } from "../session.ts"

/** Each entry is looked at once in a round of revokes, whichever of its secrets asks first. */
export type Looks = Map<string, Promise<Death | undefined>>

/**
 * Before a value is taken away: the entries that show its secret are still as we wrote them. Anyone
 * may have put the former value back there, and its readers would be cut off. Undefined if so.
 */
export async function keepsAlive(
  session: Session,
  name: string,
  looks: Looks,
): Promise<Death | undefined> {
  const entries = session.outputsOf([name]).filter((output) => isEntry(output))
  const found = await Promise.all(
    entries.map((output) => {
      const look = looks.get(output.target) ?? lookAt(session, output)
      looks.set(output.target, look)
      return look
    }),
  )
  return found.find((one) => one !== undefined)
}

async function lookAt(session: Session, output: Output): Promise<Death | undefined> {
  const { target } = output
  if (owedIn(session.document).outputs[target] !== undefined)
    return {
      kind: "owed",
      code: "output-owed",
      message: `${target} is not written yet, and may show it`,
    }
  try {
    return (await isAsWritten(session, output)) ? undefined : reverted(target)
  } catch (error) {
    return { kind: "owed", ...describeError(error) }
  }
}

/** By its mark, which reads no value; what is not ours there may have changed. */
async function isAsWritten(session: Session, output: Output): Promise<boolean> {
  const { delivery, forceStop: turn } = session.work
  const mark = await delivery.ask(output, async (signal) => output.mark?.(signal), { turn })
  if (mark !== undefined && mark === session.document.marks?.[output.target]) return true
  const values = await session.values(() => false)
  const answer = await delivery.ask(output, (signal) => output.compare(values, signal), { turn })
  if (answer !== "same") return false
  if (mark !== undefined) session.noteMark(output.target, mark)
  return true
}

function reverted(target: string): Death {
  return {
    kind: "owed",
    code: "output-reverted",
    message:
      `${target} does not show what mycelium wrote there: a person or another program has ` +
      "changed it since, " +
      "so the former value is not taken away",
    hint:
      "find out who writes there; mycelium render writes the current values again, " +
      "and the revoke follows",
  }
}
