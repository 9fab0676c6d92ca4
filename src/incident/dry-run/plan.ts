import type { ChangeSet, Refusal } from "../../core/change-set.ts"
import type { Why } from "../../rotate/prospects.ts"
import type { Order } from "../../rotate/order.ts"
import type { Leaked } from "../shown-leaked.ts"
import type { First } from "./first.ts"

/** What a dry run says, as data. */

/**
 * A rotation that is not finished, and stays so: the command itself would end it before anything
 * else. `anew`: of those, what it would then rotate once more.
 */
export type Unfinished = Pick<ChangeSet, "startedAt" | "direction" | "secrets"> & {
  readonly anew: readonly string[]
  /** Why it cannot be ended now. */
  readonly kept?: readonly (Why & { readonly secret?: string })[]
  /** Of one that is kept: what comes to its end in it all the same, before anything is begun. */
  readonly goesOn: readonly string[]
  /** Of one that is kept: what the containment takes out of it, with a fresh value. */
  readonly takenOut: readonly string[]
  /** Nothing of it is left open then. */
  readonly ends?: true
  /** A file holds it up: it may go back, and end by that. */
  readonly mayGoBack?: true
  /** Who may be restarted for it, before anything else is begun. */
  readonly restarts: readonly string[]
  /** Nothing but a containment goes on beside it. */
  readonly blocks?: true
}

export type DryRun = {
  readonly environment: string
  readonly unfinished: readonly Unfinished[]
  /** Older values that the command takes away before it rotates. */
  readonly first: readonly First[]
  /** Secrets without a value that the command leaves alone. */
  readonly untouched: readonly string[]
  /** Contained by this incident already: they get no other value. */
  readonly contained: readonly string[]
  /**
   * Of those that are contained: outputs that show what leaked, to whatever starts next. `isLive`: no
   * service asks for the value, so it is not contained as long as it is shown.
   */
  readonly shows?: readonly (Leaked & { readonly isLive: boolean })[]
  /** Of those that are contained: outputs that are still owed, which the command tries to write. */
  readonly owed?: readonly string[]
  /** Where access is taken away before files are written. */
  readonly cut: readonly string[]
  /** By what is not finished, programs may hold a value that no longer works. */
  readonly cutOff?: true
  readonly secrets: readonly {
    readonly name: string
    readonly apply: string
    readonly gap: string
    readonly revoke: string
    /** In an incident: sessions that were opened before would not be ended. */
    readonly sessionsMayLive?: true
    readonly notes: readonly string[]
    /** What a person can do about what the notes say. */
    readonly hints: readonly string[]
    readonly blocked?: { readonly code: string; readonly message: string; readonly hint?: string }
  }[]
  readonly outputs: readonly {
    readonly target: string
    readonly changes: readonly string[]
    readonly keeps?: number
    /** It held lines of others, perhaps, and is not there any more. */
    readonly gone?: string
    readonly narrows?: string
  }[]
  /** What is not in the config, shows a value of one of these secrets, and is not replaced. */
  readonly stays: readonly {
    readonly code: string
    readonly target: string
    readonly name: string
    readonly secret: string
    readonly message: string
  }[]
  /** In an incident: what cannot be written is left as it is, and owed. */
  readonly leaves: readonly ({ readonly target: string } & Refusal)[]
  /** Why the outputs cannot be written. */
  readonly fault?: { readonly code: string; readonly message: string; readonly hint?: string }
  /** Of the outputs that it writes, those that no deployment reads. */
  readonly unread: readonly string[]
  readonly restarts: readonly {
    readonly name: string
    readonly message: string
    readonly replaces?: string
    readonly health?: string
    readonly notes: readonly string[]
  }[]
}

export type DryRunOptions = {
  readonly why: "asked" | "new" | "incident"
  readonly secrets?: readonly string[]
  readonly contain?: NonNullable<Order["contain"]>
  readonly incident?: string
  readonly skipGrace?: boolean
}
