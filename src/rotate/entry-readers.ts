import { isEntry, withinMsOf } from "../core/entry.ts"
import type { ChangeSet } from "../core/change-set.ts"
import type { Output } from "../core/ports.ts"
import type { Stage } from "../core/version.ts"
import type { Session } from "./session.ts"

/** Programs that read an entry when they like, and go on for a while with what they have read. */

/** How long (ms) a reader of one of these may go on with an older content; 0 without an entry. */
export function readersWithinMs(outputs: readonly Output[]): number {
  const all = outputs.filter((one) => isEntry(one))
  return Math.max(0, ...all.map(({ readers }) => withinMsOf(readers)))
}

/** A value that these showed until `now`, and that was given up. */
export function waitsForReaders(entries: readonly Output[], now: Date): Stage {
  return {
    kind: "uncertain",
    why:
      `given up, but programs that read ${entries.map(({ target }) => target).join(", ")} may ` +
      "still have it",
    since: now.toISOString(),
    notBefore: new Date(now.getTime() + readersWithinMs(entries)).toISOString(),
  }
}

/** Entries that may have shown the new value of `name`, by what is written down and was done here. */
export function mayHaveShown(session: Session, set: ChangeSet, name: string): readonly Output[] {
  const isOwn = session.begun === set.id
  return session
    .outputsOf([name])
    .filter(
      (output) =>
        isEntry(output) &&
        set.before?.[output.target] !== undefined &&
        (!isOwn || session.renamed.has(output.target)),
    )
}
