import { AppError } from "../base/error.ts"
import { harden } from "../base/system/harden.ts"
import type { Host } from "../base/system/host.ts"
import { notOpenHere } from "../check/self-tests/seal.ts"
import type { Config } from "../config/model.ts"
import type { StateDocument } from "../core/state.ts"
import { type StateKey, checkMac } from "../record/state-file.ts"
import { openKeys } from "../record/keys.ts"
import { readIdentity } from "../app/identity.ts"

/**
 * What stands against a state that was read, by the key of its MAC: undefined where it is as one
 * with the keys wrote it. `unheld`: why that cannot be told here.
 */
export type Held =
  | { readonly fault: (place: StateKey, document: StateDocument) => string | undefined }
  | { readonly unheld: string }

/** For those who have the identity; without it, the log is held against the state's own words. */
export async function heldStates(config: Config, host: Host): Promise<Held> {
  try {
    await harden()
    const { mac } = await openKeys(config.store, await readIdentity(config, host))
    return { fault: (place, document) => faultOf(() => checkMac(place, document, mac)) }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    if (notOpenHere.includes(error.code)) return { unheld: error.message }
    return { fault: () => error.message }
  }
}

function faultOf(act: () => void): string | undefined {
  try {
    act()
    return undefined
  } catch (error) {
    if (error instanceof AppError) return error.message
    throw error
  }
}
