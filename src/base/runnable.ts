import { accessSync, constants, statSync } from "node:fs"

/** Why this user cannot run the program at `path`, and what to do; undefined where nothing is known to stand in the way. */
export function unrunnable(path: string): { readonly says: string; readonly remedy: string } | undefined {
  try {
    if (statSync(path).isDirectory()) return { says: "is a folder, not a program", remedy: "correct the path in the config" }
  } catch {
    return { says: "does not exist", remedy: "put it there and chmod +x it, or correct the path in the config" }
  }
  try {
    accessSync(path, constants.X_OK)
    return undefined
  } catch {
    return { says: "may not be executed by this user", remedy: `chmod +x ${path}` }
  }
}
