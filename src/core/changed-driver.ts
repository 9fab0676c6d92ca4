import { AppError } from "../base/error.ts"
import type { Driver, Finding } from "./ports.ts"
import type { SecretState, StateDocument } from "./state.ts"

/**
 * The config names another driver than the one that made the values of a secret: what asks the one
 * service proves nothing of the other. So nothing is asked, set or revoked until a person says which
 * it is.
 */

/** The driver that made what is kept; undefined: the config names it, or nothing is kept. */
export function formerDriver(
  state: Pick<SecretState, "driver" | "versions"> | undefined,
  now: string | undefined,
): string | undefined {
  if (state === undefined || now === undefined || state.versions.length === 0) return undefined
  return state.driver === "" || state.driver === now ? undefined : state.driver
}

export type Changed = {
  /** "production/postgres". */
  readonly place: string
  readonly was: string
  readonly now: string
}

/** Those of an environment, by secret. `secrets`: as the config has them. */
export function changedIn(
  document: StateDocument | undefined,
  secrets: Readonly<Record<string, { readonly driver: string }>>,
): Readonly<Record<string, Pick<Changed, "was" | "now">>> {
  return Object.fromEntries(
    Object.entries(secrets).flatMap(([name, { driver: now }]) => {
      const was = formerDriver(document?.secrets[name], now)
      return was === undefined ? [] : [[name, { was, now }]]
    }),
  )
}

/** In the place of a driver; each of its acts says why it is not done. */
export function changedDriver(changed: Changed): Driver {
  const refuse = (): Promise<never> => Promise.reject(driverDiffers(changed))
  return {
    // So that no death is ever concluded from what was not asked.
    overlap: "both",
    generate: () => {
      throw driverDiffers(changed)
    },
    preflight: () => Promise.resolve([findingOf(changed)]),
    settle: refuse,
    apply: refuse,
    probe: refuse,
    revoke: refuse,
    revokeOthers: refuse,
    describe: () => "nothing: its driver has changed",
  }
}

export function driverDiffers(changed: Changed): AppError {
  return new AppError("driver-differs", sayChanged(changed), {
    remedy: "ask-operator",
    hint: driverRemedy(changed),
  })
}

export function sayChanged({ was, now }: Pick<Changed, "was" | "now">): string {
  return (
    `its values are of the driver ${was}, and the config says ${now}: ` +
    "nothing is asked, changed or revoked"
  )
}

export function driverRemedy({ place, was }: Pick<Changed, "place" | "was">): string {
  const [environment = ""] = place.split("/")
  return (
    `put driver: ${was} back, with its options; or, if it is another login from now on: end the old ` +
    `one at its service, then mycelium delete ${place} --login-ended --yes, then mycelium ` +
    `rotate-now ${place} --new, or write the new value into its output and mycelium adopt ${environment}`
  )
}

function findingOf(changed: Changed): Finding {
  return {
    code: "driver-differs",
    severity: "error",
    message: sayChanged(changed),
    remedy: driverRemedy(changed),
  }
}
