import { filesAtOnce, mapConcurrently } from "../base/semaphore.ts"
import { stateNames } from "../check/files.ts"
import { openSetOf } from "../core/change-set.ts"
import { incidentsOf } from "../core/contained.ts"
import { openContainment } from "../core/open-containment.ts"
import { readState } from "../record/state-file.ts"
import type { App } from "../app/app.ts"
import type { Contained } from "./containment.ts"

/**
 * What an incident was chosen for, and the run that ended just now was not: it is part of the
 * incident all the same.
 */
export type Elsewhere = {
  readonly environment: string
  readonly secret: string
  readonly code: string
}

/** By the states alone: of every environment, those that the config has no more among them. */
export async function leftElsewhere(
  { config }: App,
  reports: readonly Contained[],
  incident: string,
): Promise<readonly Elsewhere[]> {
  const { store, project } = config
  const names = [...new Set([...Object.keys(config.environments), ...stateNames(config)])]
  const left = await mapConcurrently(filesAtOnce, names, async (environment) => {
    const told = reports.find((one) => one.environment === environment)?.secrets ?? {}
    const document = await readState({ store, project, environment }).catch(() => undefined)
    return Object.entries(document?.secrets ?? {}).flatMap(
      ([secret, state]): readonly Elsewhere[] => {
        if (told[secret] !== undefined) return []
        const open = openContainment(state)
        if (open !== undefined)
          return incidentsOf(open).includes(incident)
            ? [{ environment, secret, code: open.code }]
            : []
        return openSetOf(document, secret)?.incident === incident
          ? [{ environment, secret, code: "journal-open" }]
          : []
      },
    )
  })
  return left.flat()
}
