import { existsSync } from "node:fs"
import { dirname } from "node:path"

/** The path itself, or the first folder above it that is there. */
export function nearestFolder(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestFolder(dirname(path))
}
