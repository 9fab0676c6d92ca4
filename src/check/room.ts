import type { Store } from "./self-tests/store.ts"
import type { EnvironmentConfig } from "../config/model.ts"
import { bytesFor, freeBytes } from "../record/room.ts"
import { needFor } from "../rotate/need.ts"
import { outputsIn } from "./files.ts"
import { nearestFolder } from "./nearest-folder.ts"
import type { Places } from "./request.ts"
import { outputSizeOf } from "./size-of.ts"

/** What the lock of an environment takes while it is held. */
const lockBytes = 4096

/**
 * Whether the store's disk could take a rotation of its largest environment. `sizes`: of the states
 * on the disk, by environment.
 */
export async function roomIn(
  places: Places,
  sizes: ReadonlyMap<string, number>,
): Promise<Pick<Store, "room">> {
  const { config } = places
  const free = await freeBytes(nearestFolder(config.store))
  const needs = Object.values(config.environments).map((environment) => ({
    environment: environment.name,
    need: needIn(places, environment, sizes.get(environment.name) ?? 0),
  }))
  const most = needs.reduce<(typeof needs)[number] | undefined>(
    (first, one) => (one.need > (first?.need ?? 0) ? one : first),
    undefined,
  )
  return free === undefined || most === undefined ? {} : { room: { free, ...most } }
}

function needIn(places: Places, environment: EnvironmentConfig, stateBytes: number): number {
  const files = outputsIn(places, environment).flatMap(
    ({ target, files: parts }) => parts ?? [target],
  )
  const need = needFor({
    secrets: Object.keys(environment.secrets).length,
    restarts: environment.deployments.length,
    options: JSON.stringify(environment).length,
    shown: files.map(outputSizeOf),
  })
  // A containment notes twice more what it cannot write. A run holds the lock before it looks.
  return bytesFor(stateBytes, { ...need, writes: need.writes + 2 }) + lockBytes
}
