import { realHost } from "../../../../src/base/system/host.ts"
import { ActivityScope } from "../../../../src/base/activity-scope.ts"
import { makeValue } from "../../../../src/base/text/value-shape.ts"
import type { Credential, Driver, MakeText, PluginContext } from "../../../../src/core/ports.ts"
import { Secret } from "../../../../src/core/secret.ts"

/**
 * What a driver's harness gives the suite: a real service with one secret in it, and the power to
 * take it away.
 */
export interface Service extends AsyncDisposable {
  /** What the service holds; its version is "v1". */
  readonly current: Credential
  /** A driver for it, as a new process opens one. */
  open(): Driver
  /** All that the service keeps, in a form that two looks can be compared by. */
  stored(): Promise<unknown>
  /** It cannot be reached until `resume`. */
  stop(): Promise<void>
  /** It takes connections and says nothing until `resume`. */
  hang(): Promise<void>
  resume(): Promise<void>
  /**
   * Drivers that are wrong in ways of their own (an admin's password, say): what they throw holds
   * no value either.
   */
  faulty?(): readonly Driver[]
}

export type Harness = {
  start(): Promise<Service>
  /** By the title of a test: why this driver cannot be asked. */
  readonly skips?: Partial<Record<Title, string>>
  /** Why there is no service at all. */
  readonly noService?: string
}

export type Title =
  | "drafts values that are new, opaque and strong"
  | "finds nothing wrong with a sound service, and changes nothing there"
  | "settles at once where nothing is under way, and changes nothing"
  | "accepts the value it applied, the old one as its overlap says, also when it is applied twice"
  | "refuses a wrong value, and a probe changes nothing"
  | "goes back to the value it had"
  | "revokes the old value, also when it is revoked twice"
  | "forgets every value, where it can, also when it is told twice"
  | "comes through an apply that is cut off anywhere"
  | "says unknown of a service that cannot be reached"
  | "says unknown of a service that hangs, within its deadline"
  | "throws from apply where the service is out of reach or hangs, and comes through it"
  | "holds no value in any error"

export const host = realHost({})
export const text: MakeText = (field, shape) =>
  new Secret(
    field,
    makeValue(typeof shape === "number" ? { length: shape } : (shape ?? {}), host.random),
  )

/** Two test files at once must not take each other's programs for those of a run that was killed. */
export const runId = process.env["TEST_RUN_ID"] ?? process.pid.toString(16).padStart(12, "5")

/**
 * What a driver gets in a process of its own, which is at work; `credential` stands for every
 * reference of its config.
 */
export function context(folder: string, credential = "none"): PluginContext {
  const shift = new ActivityScope()
  shift.join()
  return {
    activity: shift,
    host,
    label: "production/main",
    owner: "0a1b2c3d4e5f",
    run: { id: runId, clock: "", since: 0, earlier: { since: 0 } },
    folder,
    credential: async () => new Secret("admin", credential),
  }
}

/** A server that a service runs at. */
export type Stoppable = {
  start(): Promise<void>
  /** Without a goodbye. */
  kill(): Promise<void>
  signal(name: "SIGSTOP" | "SIGCONT"): void
}

/** The power to take a service's server away, and to give it back. */
export function outagesOf(
  server: Stoppable,
): Pick<Service, "stop" | "hang" | "resume"> & AsyncDisposable {
  let state: "runs" | "hangs" | "stopped" = "runs"
  const resume = async (): Promise<void> => {
    if (state === "hangs") server.signal("SIGCONT")
    if (state === "stopped") await server.start()
    state = "runs"
  }
  return {
    stop: async () => {
      await server.kill()
      state = "stopped"
    },
    hang: async () => {
      server.signal("SIGSTOP")
      state = "hangs"
    },
    resume,
    [Symbol.asyncDispose]: resume,
  }
}
