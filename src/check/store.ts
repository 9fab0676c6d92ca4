import type { Store } from "./self-tests/store.ts"
import type { Me } from "./self-tests/path-stat.ts"
import type { Config } from "../config/model.ts"
import { stateFolder, statePath } from "../record/state-file.ts"
import type { Places } from "./request.ts"
import { roomIn } from "./room.ts"
import { nearestFolder } from "./nearest-folder.ts"
import { sizeOf } from "./size-of.ts"
import { inKib, isOurs, unwritable } from "./writable.ts"

/** A lock, beside the state that is written once more before it replaces the present one. */
const besideBytes = 4096

/** Of the states of all environments, each asked once. */
function stateSizes({ store, project, environments }: Config): ReadonlyMap<string, number> {
  return new Map(
    Object.keys(environments).map((environment) => [
      environment,
      sizeOf(statePath({ store, project, environment })),
    ]),
  )
}

/** What the least of all acts writes: of the largest environment. */
function leastWrite(sizes: ReadonlyMap<string, number>): number {
  return Math.max(0, ...sizes.values()) + besideBytes
}

export async function storeOf(places: Places, me: Me): Promise<Store> {
  const { config } = places
  const folder = nearestFolder(stateFolder(config))
  const sizes = stateSizes(config)
  const found = await unwritable(folder, leastWrite(sizes))
  if (found === undefined) return { folder, ...(await roomIn(places, sizes)) }
  if (found.kind === "full")
    return { folder, full: { free: inKib(found.free), need: inKib(found.need) } }
  return isOurs(found, config.store, me) ? { folder, refused: found.code } : { folder }
}
