import { within } from "../deadline.ts"
import { AppError } from "../error.ts"
import { type Mount, ownMounts } from "./mounts.ts"
import { type ServedMounts, servedMountOf, servedMounts } from "./served-mounts.ts"

/** How long (ms) a file system may take to answer; docker gives a HEALTHCHECK 30 s. */
export const answerMs = 5000

type Asking = {
  readonly mounts: readonly Mount[]
  /** Whether the file system answers there within `ms`. */
  readonly ask: (path: string, ms: number) => Promise<boolean>
  readonly ms: number
}

/** Programs are loaded where one is needed. */
const askPath: Asking["ask"] = async (path, ms) =>
  (await import("../processes/ask-path.ts")).answersAt(path, ms)

/**
 * Before a look at a path: a look is made on the main thread, and at a file system that hangs it
 * would never end. Each mount that is served by a program or by another machine is asked once.
 */
export class MountGate {
  readonly #asking: Omit<Asking, "mounts">
  readonly #mounts: ServedMounts
  readonly #answers = new Map<string, Promise<boolean>>()

  constructor({ mounts = ownMounts(), ...asking }: Partial<Asking> = {}) {
    this.#asking = { ask: askPath, ms: answerMs, ...asking }
    this.#mounts = servedMounts(mounts)
  }

  /** False: no mount of this machine is served by anyone, so each path can be looked at. */
  get mayBeSilent(): boolean {
    return this.#mounts !== undefined
  }

  /** The mount point that gives no answer; undefined if `path` can be looked at. */
  async silentMountOf(path: string): Promise<string | undefined> {
    const mount = servedMountOf(path, this.#mounts)
    if (mount === undefined) return undefined
    const answer = this.#answers.get(mount) ?? this.#ask(path)
    this.#answers.set(mount, answer)
    return (await answer) ? undefined : mount
  }

  async #ask(path: string): Promise<boolean> {
    const { ask, ms } = this.#asking
    try {
      return await within(ms * 2, () => ask(path, ms))
    } catch (error) {
      if (error instanceof AppError && error.code === "timeout") return false
      throw error
    }
  }
}
