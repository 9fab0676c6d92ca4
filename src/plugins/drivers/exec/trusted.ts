import { AppError } from "../../../base/error.ts"
import type { Credential, Probe } from "../../../core/ports.ts"

/** A program that was never started, or ended with a code of its own. */
const saysNo = new Set(["exec-failed", "refused-by-policy", "program-missing"])

/**
 * The stand-in for a login where the program cannot log in and the config says `trust_apply`. Only
 * for services that hold two values: there `current` stays accepted whatever becomes of `pending`,
 * so a wrong answer locks no program out. `acceptedAt` in the state is the durable note that
 * the program once said yes.
 */
export class Trusted {
  readonly #answers = new Map<string, Probe>()

  /**
   * The versions of a recovery. The youngest, if the program never said yes to it, is to be applied
   * again; the others were accepted once.
   */
  introduce(known: readonly Credential[]): void {
    const age = ({ version }: Credential): number => Number(version.slice(1))
    const youngest = Math.max(...known.map(age))
    for (const one of known) {
      if (this.#answers.has(one.version)) continue
      this.#answers.set(
        one.version,
        one.acceptedAt === undefined && age(one) === youngest ? "refused" : "accepted",
      )
    }
  }

  accepted({ version }: Credential): void {
    this.#answers.set(version, "accepted")
  }

  dead({ version }: Credential): void {
    this.#answers.set(version, "refused")
  }

  /**
   * What a failed `apply` means: by its contract a program that said no has not done it; all else,
   * that it is unknown.
   */
  failed({ version }: Credential, error: unknown): void {
    const saidNo = error instanceof AppError && saysNo.has(error.code)
    this.#answers.set(version, saidNo ? "refused" : "unknown")
  }

  /**
   * The random control is refused as a matter of form; a version that was never introduced is unknown.
   */
  probe({ version }: Credential): Probe {
    return version === "control" ? "refused" : (this.#answers.get(version) ?? "unknown")
  }
}
