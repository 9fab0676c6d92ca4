import { AppError } from "../../../base/error.ts"
import type { Credential, Probe } from "../../../core/ports.ts"

/**
 * The stand-in for a login where the program cannot log in and the config says `trust_apply`. Only for services that hold
 * two values: there `current` stays accepted whatever becomes of `pending`, so an answer that is wrong locks nobody out.
 * `acceptedAt` in the state is the durable note that the program once said yes.
 */
export class Trusted {
  readonly #answers = new Map<string, Probe>()

  /** A version that the engine works with. One that never was accepted is applied again. */
  know({ version, acceptedAt }: Credential): void {
    if (!this.#answers.has(version)) this.#answers.set(version, acceptedAt === undefined ? "refused" : "accepted")
  }

  accepted({ version }: Credential): void {
    this.#answers.set(version, "accepted")
  }

  dead({ version }: Credential): void {
    this.#answers.set(version, "refused")
  }

  /** By its contract, an exit code of its own means that the program did not do it; all else, that nobody knows. */
  failed({ version }: Credential, error: unknown): void {
    const said = error instanceof AppError && error.code === "exec-failed"
    this.#answers.set(version, said ? "refused" : "unknown")
  }

  /** The random control is refused as a matter of form; a version that nobody introduced is unknown. */
  probe({ version }: Credential): Probe {
    return version === "control" ? "refused" : (this.#answers.get(version) ?? "unknown")
  }
}
