import { existsSync, lstatSync } from "node:fs"
import { dirname } from "node:path"
import { networkOf } from "../base/file-system.ts"
import { isMountPoint, mountedAlone, ownMounts } from "../base/mounts.ts"
import type { Place, Places } from "../check/places.ts"
import type { Config } from "../config/model.ts"
import { ownership } from "../plugins/outputs/file-options.ts"
import { outputsOf, rulesOf } from "./check-files.ts"

/** Where the files of all outputs lie. */
export async function outputPlaces(config: Config): Promise<Places> {
  const mounts = ownMounts()
  const found = await Promise.all(
    outputsOf(config).map(async ({ target, files, environment, options }): Promise<readonly Place[]> => {
      const rules = rulesOf(options)
      // A name that this machine does not know is told when the output is written.
      const owner = await ownership({ owner: rules.owner, group: rules.group }, undefined).catch(() => undefined)
      const reader = owner?.uid === undefined ? undefined : { uid: owner.uid, gid: owner.gid }
      return (files ?? [target]).map((path) => ({ path, what: `an output of ${environment}`, names: namesOf(path), inPlace: rules.in_place === true, isMount: isMountPoint(path, mounts), network: networkOf(nearestFolder(dirname(path))), reader }))
    }),
  )
  const places = found.flat()
  return { places, alone: mountedAlone(places.map(({ path }) => path)) }
}

function namesOf(path: string): number {
  try {
    const stats = lstatSync(path)
    return stats.isFile() ? stats.nlink : 0
  } catch {
    return 0
  }
}

export function nearestFolder(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestFolder(dirname(path))
}
