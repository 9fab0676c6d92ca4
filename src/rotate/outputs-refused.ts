import { AppError } from "../base/error.ts"
import { present } from "../base/present.ts"
import { isEntry } from "../core/entry.ts"
import { driverOf } from "./ask.ts"
import type { Session } from "./session.ts"
import type { Refusals } from "./unwritten.ts"

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
 * readers go on with the old one, so the change set waits for its manager.
 */
export function waitsForEntries(session: Session, error: unknown): error is OutputsRefused {
  if (!(error instanceof OutputsRefused)) return false
  const members = session.changeSet?.secrets ?? []
  const outputs = session.work.outputs.filter(({ target }) => error.refused[target] !== undefined)
  return outputs.every(
    (output) =>
      isEntry(output) &&
      output.shows
        .filter((name) => members.includes(name))
        .every((name) => driverOf(session, name).overlap === "both"),
  )
}
