import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"

/**
 * Does this store hold anything that was sealed to an identity: its keys, or a state of any
 * project?
 */
export function storeHasSealed(store: string): boolean {
  return (
    existsSync(join(store, "keys.age")) ||
    namesIn(join(store, "secrets")).some((project) =>
      namesIn(join(store, "secrets", project)).some((name) => name.endsWith(".json")),
    )
  )
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
