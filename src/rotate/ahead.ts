import { type Patch } from "../core/state.ts"
import type { Before, ChangeSet } from "../core/change-set.ts"
import { changeVersion } from "../core/version-changes.ts"
import { versionAt } from "../core/version.ts"
import { driverOf } from "./ask.ts"
import { withMarks } from "./marks.ts"
import type { Verdict } from "./prove.ts"
import { toRestart } from "./readers.ts"
import type { Session } from "./session.ts"

/**
 * Once a service that takes one value has the new one, programs are locked out until they restart.
 * What must be durable before an output changes and a restart begins is known by then, except for
 * the login that proves the value: so it is written while that login is under way, not after it. If
 * the proof fails, nothing was changed outside, and the next write takes it back.
 */
export class Ahead {
  readonly #session: Session
  readonly #before: Readonly<Record<string, Before>>
  /** Those whose service has still to take its value. */
  readonly #missing: Set<string>
  readonly #acceptedAt = new Map<string, string | undefined>()
  #writing: Promise<void> | undefined

  /** `before`: what a way back restores. */
  constructor(
    session: Session,
    members: readonly string[],
    before: Readonly<Record<string, Before>>,
  ) {
    this.#session = session
    this.#before = before
    this.#missing = new Set(members.filter((name) => driverOf(session, name).overlap !== "none"))
  }

  /** The service of `name` has taken the value. */
  applied(name: string, acceptedAt: string | undefined): void {
    if (this.#writing !== undefined) return
    this.#acceptedAt.set(name, acceptedAt)
    this.#missing.delete(name)
    if (this.#missing.size > 0) return
    this.#writing = this.#write()
    // The one that awaits it gets the error.
    this.#writing.catch(() => undefined)
  }

  /** What was written is durable when resolved; false where nothing was. */
  async written(): Promise<boolean> {
    await this.#writing
    return this.#writing !== undefined
  }
  /** Nothing is being written any more, whatever became of it. */
  async ended(): Promise<void> {
    await this.#writing?.catch(() => undefined)
  }

  /** It is what the verdicts come to: nothing but the proofs is left to tell. */
  holdsFor(verdicts: ReadonlyMap<string, Verdict>): boolean {
    return [...verdicts].every(
      ([name, verdict]) =>
        verdict.kind === "proven" && verdict.acceptedAt === this.#acceptedAt.get(name),
    )
  }

  async #write(): Promise<void> {
    const { changeSet: set } = this.#session
    if (set === undefined) return
    const patches = Object.fromEntries(
      [...this.#acceptedAt].flatMap(([name, at]) =>
        at === undefined ? [] : [[name, acceptedSince(this.#session, name, at)] as const],
      ),
    )
    const ended = set.secrets.filter((name) => driverOf(this.#session, name).overlap === "one")
    const next: ChangeSet = {
      ...withMarks(this.#session, set, { ended, stuck: [] }),
      ahead: true,
      before: { ...set.before, ...this.#before },
    }
    const [first] = toRestart(this.#session, next)
    await this.#session.commit({
      patches,
      changeSet:
        first === undefined
          ? next
          : { ...next, touched: [...new Set([...next.touched, first.name])] },
    })
  }
}

/**
 * A journal whose values are new and whose outputs are as they were: as before it was written
 * ahead.
 */
export function takenBack({ before: _before, ahead: _ahead, ...set }: ChangeSet): ChangeSet {
  return { ...set, touched: [] }
}

function acceptedSince(session: Session, name: string, acceptedAt: string): Patch {
  const pending = versionAt(session.state(name), "pending")
  return pending === undefined
    ? (state) => state
    : changeVersion(pending.id, (version) => ({ ...version, acceptedAt }))
}
