import { readdirSync } from "node:fs"
import { join } from "node:path"
import type { StateKey } from "../record/state-file.ts"

/** What lies in a store, by its folders alone. */

export function projectsIn(store: string): readonly string[] {
  return list(join(store, "secrets"))
}

export function statesIn(store: string, project: string): readonly StateKey[] {
  return list(join(store, "secrets", project))
    .filter((name) => /^[^.].*\.json$/.test(name))
    .map((name) => ({ store, project, environment: name.slice(0, -".json".length) }))
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder).toSorted()
  } catch {
    return []
  }
}
