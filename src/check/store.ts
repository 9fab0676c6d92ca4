import type { Store } from "./self-tests/store.ts"
import type { Me } from "./self-tests/path-stat.ts"
import type { Config } from "../config/model.ts"
import { sizeRead, stateFolder, statePath } from "../record/state-file.ts"
import type { Places } from "./request.ts"
import type { Environment } from "./self-tests/state.ts"
import { roomIn } from "./room.ts"
import { nearestFolder } from "./nearest-folder.ts"
import { sizeOf } from "./size-of.ts"
import { inKib, isOurs, unwritable } from "./writable.ts"

/** A lock, beside the state that is written once more before it replaces the present one. */
const besideBytes = 4096

type Read = Pick<Environment, "name" | "document">

/** Of the states of all environments. `read`: those that were read; only the others are asked for. */
function stateSizes(
  { store, project, environments }: Config,
  read: readonly Read[],
): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>()
  for (const { name, document } of read) {
    const size = document && sizeRead(document)
    if (size !== undefined) sizes.set(name, size)
  }
  for (const environment of Object.keys(environments))
    if (!sizes.has(environment))
      sizes.set(environment, sizeOf(statePath({ store, project, environment })))
  return sizes
}

/** What the least of all acts writes: of the largest environment. */
function leastWrite(sizes: ReadonlyMap<string, number>): number {
  return Math.max(0, ...sizes.values()) + besideBytes
}

export async function storeOf(places: Places, me: Me, read: readonly Read[]): Promise<Store> {
  const { config } = places
  const folder = nearestFolder(stateFolder(config))
  const sizes = stateSizes(config, read)
  const found = await unwritable(folder, leastWrite(sizes))
  if (found === undefined) return { folder, ...(await roomIn(places, sizes)) }
  if (found.kind === "full")
    return { folder, full: { free: inKib(found.free), need: inKib(found.need) } }
  return isOurs(found, config.store, me) ? { folder, refused: found.code } : { folder }
}
