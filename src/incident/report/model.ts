import type { Result } from "../../check/self-tests/check.ts"
import type { SessionsLeft } from "../../core/state.ts"
import type { AuditEntry } from "../../record/audit-read.ts"
import type { Leaked } from "../shown-leaked.ts"
import type { PolicyState } from "./policy.ts"
import type { Restart, Unhealthy } from "./programs.ts"
import type { Reader } from "./readers.ts"
import type { Source } from "./source.ts"

/** What a report of one incident says, as data. */

/** A line of an audit log, and its environment. */
export type Line = AuditEntry & { readonly environment: string }

export type Question = {
  readonly incident: string
  /** When a person noticed it; left out: when the incident began, by the log. */
  readonly noticed?: Date
  /** How far back from there the report tells who was given the values (ms). */
  readonly readersMs: number
}
/** `login`: it was ended, was left as it was, is ended by a person's word, or there was none. */
export type Erased = {
  readonly at: string
  readonly login: "ends" | "kept" | "ended" | "none"
  readonly sessionsEnded?: number
  /** Its login ended, and nothing has ended its sessions. */
  readonly sessionsLeft?: true
}
/** A secret that is not contained; without `secret`, an environment. */
export type NotContained = {
  readonly environment: string
  readonly secret?: string
  /** Some secrets of it; the log does not say which. */
  readonly some?: true
  readonly code: string
  readonly message: string
}

/** One secret, and what tells of it. */
export type OfSecret = {
  readonly source: Source
  readonly incident: string
  /** A later incident, which contained it: its lines are among these. */
  readonly later?: string
  readonly name: string
  readonly chosen: boolean
  /** Outputs that show a value of it which leaked. */
  readonly shows: readonly Leaked[]
  /** Of this secret and this incident. */
  readonly lines: readonly Line[]
  /** All restarts of the incident in its environment. */
  readonly restarts: readonly Line[]
}

export type SecretReport = {
  readonly environment: string
  readonly secret: string
  readonly driver: string
  readonly contained: boolean
  /** Why not, if it is not. */
  readonly code?: string
  readonly message?: string
  readonly from?: string
  readonly to?: string
  readonly acceptedAt?: string
  readonly currentAt?: string
  /** Values whose login was refused after the change; none if no service asks for the secret. */
  readonly dead: readonly {
    readonly version: string
    readonly at: string
    /** Servers where it was accepted and that were not asked then, for the config did not name them. */
    readonly unasked?: readonly string[]
  }[]
  readonly sessionsEnded: number
  /** When every other value was taken away, if none of these was known. */
  readonly expelledAt?: string
  /** Sessions that were opened before may live, and why: contained for new logins alone. */
  readonly sessionsLeft?: SessionsLeft
  /** Outputs that could not be written, and programs that were not restarted since. */
  readonly unwritten?: string
  /** Those outputs. */
  readonly unwrittenFiles?: readonly string[]
  /** What ends it, where the config has none of those programs any more: no command restarts them. */
  readonly endGone?: string
  /** Outputs that show a value of it which leaked, in words; its service refuses that value. */
  readonly shows?: readonly string[]
  /** It was deleted, and what became of its login then. */
  readonly erased?: Erased
  /** What was found there, and what else a person must know, as the log has it. */
  readonly notes: readonly string[]
  readonly containedAt?: string
  readonly restarts: readonly Restart[]
}
export type Step = {
  readonly at: string
  readonly environment?: string
  readonly what:
    | "noticed"
    | "begun"
    | "contained"
    | "erased"
    | "restart"
    | "failed"
    | "healthy"
    | "well"
    /** Its health check is good, and its restart was still owed. */
    | "old"
  readonly subject?: string
  readonly code?: string
  readonly user?: string
}
export type IncidentReport = {
  readonly project: string
  readonly incident: string
  readonly at: string
  readonly contained: boolean
  /**
   * Why no state's MAC was verified: who can write in the store can have made all of this up.
   */
  readonly unverified?: string
  /** What is not contained: secrets, and environments of which nothing is known. */
  readonly left: readonly NotContained[]
  /** Words of the command that carries on; none if nothing is left. */
  readonly carryOn?: readonly string[]
  /** Deployments whose last restart failed, or did not end healthy. */
  readonly unhealthy: readonly Unhealthy[]
  readonly noticed: { readonly at: string; readonly given: boolean }
  readonly begun: string
  /** The latest time that its log names, if that has not come yet: a clock was, or is, wrong. */
  readonly ahead?: string
  /** When the last secret was contained, if all are. */
  readonly containedAt?: string
  /** When the last deployment was healthy, if all are. */
  readonly healthyAt?: string
  readonly reasons: readonly string[]
  /** Who acted, and through what. */
  readonly actors: readonly string[]
  readonly secrets: readonly SecretReport[]
  readonly timeline: readonly Step[]
  readonly readers: { readonly since: string; readonly rows: readonly Reader[] }
  readonly checks: readonly Result[]
  readonly policies: readonly PolicyState[]
  readonly heads: readonly {
    readonly environment: string
    readonly lines: number
    readonly head: string
  }[]
}
