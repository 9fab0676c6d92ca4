import type { Store } from "./self-tests/store.ts"
import type { Config, EnvironmentConfig } from "../config/model.ts"
import { freeBytes, writesOf } from "../record/room.ts"
import { statePath } from "../record/state-file.ts"
import { needFor } from "../rotate/need.ts"
import { outputsOf } from "./files.ts"
import { nearestFolder } from "./places.ts"
import { sizeOf } from "./size-of.ts"

/** Whether the store's disk could take a rotation of its largest environment. */
export async function roomIn(config: Config): Promise<Pick<Store, "room">> {
  const free = await freeBytes(nearestFolder(config.store))
  const needs = Object.values(config.environments).map((environment) => ({
    environment: environment.name,
    need: needIn(config, environment),
  }))
  const largest = needs.reduce<(typeof needs)[number] | undefined>(
    (most, one) => (one.need > (most?.need ?? 0) ? one : most),
    undefined,
  )
  return free === undefined || largest === undefined ? {} : { room: { free, ...largest } }
}

function needIn(config: Config, environment: EnvironmentConfig): number {
  const files = outputsOf(config)
    .filter((one) => one.environment === environment.name)
    .flatMap(({ target, files: parts }) => parts ?? [target])
  const need = needFor({
    secrets: Object.keys(environment.secrets).length,
    restarts: environment.deployments.length,
    options: JSON.stringify(environment).length,
    shown: files.map(sizeOf),
  })
  return (
    (sizeOf(
      statePath({ store: config.store, project: config.project, environment: environment.name }),
    ) +
      need.grows) *
    writesOf(need)
  )
}
