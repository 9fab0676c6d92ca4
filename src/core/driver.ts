import type { Credential, Fields, Versions } from "./credential.ts"
import type { Finding } from "./finding.ts"
import type { MakeText, Trial } from "./plugin-context.ts"
import type { SessionsLeft } from "./state.ts"

/** What a driver implements: how a service is made to accept, prove and refuse a version. */

/**
 * A login that began by an older value could still end well: so its session is looked for once
 * more, `inMs` from now. `mostMs`: how long that can go on.
 */
export type UnderWay = { readonly inMs: number; readonly mostMs: number }
/** What `deleteLogin` may have to tell. */
export type Forgotten = { readonly underWay?: UnderWay }
/**
 * What a containment has done at a service. `notes`: what a person must know besides.
 * `sessionsLeft`: no value but the new one is accepted, but older sessions may live.
 */
export type OthersRevoked = {
  readonly sessionsEnded: number
  readonly notes: readonly string[]
  readonly underWay?: UnderWay
  readonly sessionsLeft?: SessionsLeft
}
/**
 * accepted: the service said yes to this login. refused: it said no to this password. unknown:
 * anything else; decide nothing.
 */
export type Probe = "accepted" | "refused" | "unknown"

/**
 * `contain`: it is a part of a containment. `again`: how often the service has taken the value, and
 * did not accept it then.
 */
export type Containing = { readonly contain?: boolean; readonly again?: number }
/**
 * `pending`: the value of an open containment, which `apply` may have given to a login that it kept
 * shut meanwhile: it is opened again.
 */
export type Settling = { readonly pending?: Credential }
/**
 * Why a login had no clear answer, as far as the service said, in words that may be shown; it
 * decides nothing.
 */
export type Heard = (why: { readonly code: string; readonly message: string }) => void

/**
 * Each method may run again after a crash and ends when `signal` aborts. A throw means "unknown",
 * never "refused".
 */
export interface Driver {
  /**
   * both: old and new side by side until `revoke`. one: `apply` ends the old. none: no service
   * asks.
   */
  readonly overlap: "both" | "one" | "none"
  /**
   * Its acts are programs of the operator: one that a killed run leaves goes on, and is found only
   * where it can be seen.
   */
  readonly runsProgram?: true
  /**
   * Pure: the fields of the next version. `contain`: the present values are in wrong hands, and
   * nothing of them goes on.
   */
  generate(versions: Versions, text: MakeText, contain?: boolean): Fields
  /**
   * Could a rotation succeed, persist and be proven here? Changes no login. An error keeps the
   * secret out of the set before any value exists. The engine itself probes `current` and a wrong
   * value. A `trial` is followed by no rotation, and writes nothing anywhere, not even what a
   * rotation has the service write down anyway.
   */
  preflight(versions: Versions, signal: AbortSignal, options?: Trial): Promise<readonly Finding[]>
  /**
   * End what an earlier run of Mycelium may still have under way at the service, by whichever of
   * `issued` logins works; false where that cannot be known yet. Precedes every probe of a
   * recovery, and every revoke that an earlier run may have begun: a late one takes away what is
   * made live after it.
   */
  settle(issued: readonly Credential[], signal: AbortSignal, options?: Settling): Promise<boolean>
  /** How long (ms) `settle` may have to wait by design, beyond what a service takes to answer. */
  readonly settleMs?: number
  /**
   * Make `next` accepted, persistently. A second call with the same value must succeed.
   * `refused-by-policy` where the service will never take it. `contain`: who is logged in now may
   * be an intruder, who keeps it from being changed.
   */
  apply(
    next: Credential,
    versions: Versions,
    signal: AbortSignal,
    options?: Containing,
  ): Promise<{ readonly acceptedAt?: string }>
  /**
   * Resolves once the service has ended every session that this driver has left: an account may have
   * one session only, and its program is about to log in. Takes a second at most; never rejects.
   */
  drained?(): Promise<void>
  /** Log in with `candidate`, from outside, changing nothing. */
  probe(candidate: Credential, signal: AbortSignal, heard?: Heard): Promise<Probe>
  /**
   * Make `old` useless, then, if asked, end the sessions opened with it, never those of `live`.
   * Must succeed if it already is. Throws `sessions-out-of-reach` where only the sessions are left,
   * which it has no means to end. `waitedMs`: since it first answered that a login is `underWay`,
   * which is no end yet. The engine then proves the death.
   */
  revoke(
    old: Credential,
    live: Credential,
    ask: { readonly endSessions: boolean; readonly waitedMs?: number },
    signal: AbortSignal,
  ): Promise<{ readonly sessionsEnded: number; readonly underWay?: UnderWay }>
  /**
   * For containment: `live` becomes the only value that the service takes here, even those that
   * others have set; then every session that cannot have been opened with `live` is ended. Must
   * succeed if that is so already. Left out: each known version is revoked, which is all that can
   * be done.
   */
  revokeOthers?(live: Credential, signal: AbortSignal, waitedMs?: number): Promise<OthersRevoked>
  /**
   * For a first value (`--new`): what the service holds now, in a form that `apply` can put back
   * and `probe` can judge; undefined where it cannot be read. Throws `value-exists` if it
   * is visibly in use.
   */
  readInstalled?(signal: AbortSignal): Promise<Fields | undefined>
  /**
   * For `mycelium delete`: no login of this secret, with these values or others, is accepted any
   * more, persistently. Must succeed if that is so already; resolves only when the service has
   * confirmed it. Left out where the config gives no means to. `waitedMs`: since it first answered
   * that a login is `underWay`. The engine then proves the death of `issued`.
   */
  deleteLogin?(
    issued: readonly Credential[],
    signal: AbortSignal,
    waitedMs?: number,
  ): Promise<Forgotten | void>
  /**
   * After `deleteLogin`: ends every session of this secret's login, however it came in, and looks
   * again until none is left. Throws `sessions-out-of-reach` where it has no right to. `waitedMs`:
   * since it first answered that a login is `underWay`. Left out where nothing can end them.
   */
  endSessions?(
    issued: readonly Credential[],
    signal: AbortSignal,
    waitedMs?: number,
  ): Promise<{ readonly sessionsEnded: number; readonly underWay?: UnderWay }>
  /** Says in a few words what `apply` does, for `--dry-run`: "ALTER ROLE shop … (verifier)". */
  describe(versions: Versions): string
}
