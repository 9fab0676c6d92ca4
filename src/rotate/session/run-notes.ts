import type { ErrorDescription } from "../../base/error.ts"
import type { ChangeSet, Refusal } from "../../core/change-set.ts"
import type { OthersRevoked } from "../../core/ports.ts"

/**
 * What this run itself has seen and done, in memory alone: a recovery knows nothing of it, and asks
 * instead.
 */
export class RunNotes {
  /** Secrets of the open change set whose pending value this run itself has seen accepted. */
  readonly proven = new Set<string>()
  /**
   * The change set whose values this run itself has made: no other run can have gone on with it.
   */
  begun: string | undefined
  /**
   * Targets of outputs whose new content programs may have seen: this run has begun to rename it.
   */
  readonly renamed = new Set<string>()
  /** Entries where one of our writes may still land: what goes there next is written, come what may. */
  readonly doubted = new Set<string>()
  /** Names the writes of entries that belong to no change set. */
  writeId: string | undefined
  /** Tokens of what this run has staged. */
  readonly stagedHere = new Set<string>()
  /** Entries that the open change set waits for, and why: what they show works until then. */
  readonly waitsFor = new Map<string, Refusal>()
  /** Targets that show the new value for certain; those that show the former one again. */
  readonly delivered = new Set<string>()
  readonly restored = new Set<string>()
  /**
   * What a service that takes one value holds, as far as this run knows: which of a change set's
   * values, or either.
   */
  readonly holds = new Map<string, "former" | "new" | "either">()
  /**
   * Secrets whose older values this run has begun to take away before programs have the new one.
   */
  readonly cutting = new Set<string>()
  /** Programs that this run could not restart: not at once again. */
  readonly notRestarted = new Set<string>()
  /** Restarts that this run has begun, by their mark. */
  readonly hooks = new Set<string>()
  /** Secrets at whose service nothing that we have asked for can land any more. */
  readonly settled = new Set<string>()
  /**
   * Why the last try to end what may still land has not shown that nothing can, by secret, where
   * that is known: the one place of it.
   */
  readonly unsettled = new Map<string, { readonly code: string; readonly message: string }>()
  /** What of others was revoked already, by secret, before the revoke that tells of it. */
  readonly othersRevoked = new Map<string, OthersRevoked>()
  /**
   * The act that a secret has under way at its service, if it is not waiting for its turn there.
   */
  readonly acts = new Map<string, object>()
  /** Why the last login that was tried got no answer, by secret, where a person must see to it. */
  readonly faults = new Map<string, ErrorDescription>()
  /**
   * What the service said to the last login that had no clear answer, by secret: words for a
   * person, which decide nothing.
   */
  readonly heard = new Map<string, string>()

  /** This run has made the values of a new change set: nothing is known of it from before. */
  begin({ id, secrets }: ChangeSet): void {
    this.begun = id
    this.forgetOutputs()
    for (const name of secrets) {
      this.holds.delete(name)
      this.cutting.delete(name)
    }
  }

  /** Outputs are delivered anew: what earlier members have shown tells nothing of the next. */
  forgetOutputs(): void {
    for (const marks of [this.renamed, this.delivered, this.restored]) marks.clear()
    this.waitsFor.clear()
  }
}
