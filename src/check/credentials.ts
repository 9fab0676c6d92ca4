import { ActivityScope } from "../base/activity-scope.ts"
import { run } from "../base/processes/spawn.ts"
import { inspectReference, isManaged, placeOf } from "../plugins/references/index.ts"
import type { Checked } from "./request.ts"
import type { Credentials } from "./self-tests/credentials.ts"
import { namedReferences } from "./settings.ts"

/** Credentials of Mycelium's own that secret managers hold, each once. */
export function credentialsOf({ config, host }: Checked): Credentials["credentials"] {
  const activity = new ActivityScope()
  const managed = namedReferences(config).filter(({ reference }) => isManaged(reference))
  const each = new Map(
    managed.map((one) => [JSON.stringify([one.folder, one.reference]), one] as const),
  )
  return [...each.values()].map(({ place, folder, reference }) => ({
    place,
    what: placeOf(reference, folder),
    inspect: async (signal) => {
      // One login for all of them: the first keeps it, and the last gives it back.
      const leave = activity.join()
      try {
        const reach = { folder, env: host.env, run, host, activity }
        return await inspectReference(reference, reach, signal)
      } finally {
        await leave()
      }
    },
  }))
}
