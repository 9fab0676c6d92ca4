import type { ManagerFault } from "./manager.ts"

/** The secrets and the programs of the simulated world, and what can befall them. */

export const names = ["pair", "dual", "one", "gen"] as const
export type Name = (typeof names)[number]

export type Fault = {
  /** The reply of this service's apply is lost: it lands, the caller gets an error. */
  readonly lostReply?: Name
  /**
   * Every apply of this service gets no reply in time and lands some calls later, unless it is
   * settled.
   */
  readonly slow?: { readonly name: Name; readonly calls: number }
  /** A policy of this service refuses every new value. */
  readonly policy?: Name
  /** This service gives no clear answer to the next n calls of anything. */
  readonly silent?: { readonly name: Name; readonly calls: number }
  /** Deployment web is healthy only with the former values. */
  readonly unhealthy?: boolean
  /** Deployment api, which restarts first, is healthy only with the former values. */
  readonly firstUnhealthy?: boolean
  /** This deployment is unhealthy, whatever it holds. */
  readonly alwaysUnhealthy?: Program
  /** The n-th write of an output fails. */
  readonly outputFails?: number
  /** The next n logins at this service get no answer, whatever else it does. */
  readonly unproven?: { readonly name: Name; readonly calls: number }
  /** From this call on (of a draft, or of a rename) this output cannot be written. */
  readonly refuses?: {
    readonly target: string
    readonly from: number
    /** It can be drafted all the same. */
    readonly renames?: true
  }
  /** This service accepts any password for a while, as if passwords were turned off. */
  readonly openDoor?: Name
  /** What befalls the secret manager. */
  readonly manager?: ManagerFault
  /**
   * A supervisor restarts this program at the n-th instant of a process: it reads its file as that
   * is then.
   */
  readonly supervised?: { readonly program: Program; readonly at: number }
}

export const programs = ["api", "web"] as const
export type Program = (typeof programs)[number]
