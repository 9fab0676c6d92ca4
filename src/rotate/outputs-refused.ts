import { AppError } from "../base/error.ts"
import { present } from "../base/present.ts"
import type { Refusal } from "../core/change-set.ts"
import { isEntry } from "../core/entry.ts"
import { driverOf } from "./ask.ts"
import type { Session } from "./session.ts"
import { type Refusals, leaveOutputs, readersOf } from "./unwritten.ts"
import type { Outcome, Outcomes } from "./work.ts"

/** Which outputs could not be drafted, or written; said as the first of them. */
export class OutputsRefused extends AppError {
  readonly refused: Refusals
  constructor(refused: Refusals) {
    const [first] = Object.values(refused)
    super(first?.code ?? "internal", first?.message ?? "no output was refused", {
      remedy: "retry",
      ...present({ hint: first?.hint }),
    })
    this.refused = refused
  }
}

/**
 * An entry that cannot be written is no reason to turn back while the services take both values: its
 * readers go on with the old one, which is not taken away before. So it is owed, and no other
 * rotation waits for its manager; unless a program of the config reads it: then its secrets wait, for
 * that one's health is their proof (not if a containment waits for the end). False: these turn it
 * back.
 */
export async function goesOnWithout(session: Session, refused: Refusals): Promise<boolean> {
  if (!areWaitedFor(session, Object.keys(refused))) return false
  const owed: Record<string, Refusal> = {}
  for (const [target, why] of Object.entries(refused))
    if (session.urgent || readersOf(session, [target]).length === 0) owed[target] = why
    else session.waitsFor.set(target, why)
  await leaveOutputs(session, owed)
  return true
}

function areWaitedFor(session: Session, targets: readonly string[]): boolean {
  const members = session.changeSet?.secrets ?? []
  const outputs = session.work.outputs.filter(({ target }) => targets.includes(target))
  return outputs.every(
    (output) =>
      isEntry(output) &&
      output.shows
        .filter((name) => members.includes(name))
        .every((name) => driverOf(session, name).overlap === "both"),
  )
}

/** Of these, those that wait for an entry; and why. */
export function waitingFor(session: Session, names: readonly string[]): Outcomes {
  const waits: Record<string, Outcome> = {}
  for (const name of names)
    for (const { target } of session.outputsOf([name])) {
      const why = session.waitsFor.get(target)
      if (why === undefined) continue
      const { code, message } = why
      waits[name] = { kind: "waiting", by: "file", code, message }
    }
  return waits
}
