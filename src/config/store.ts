import { isAbsolute, join, resolve } from "node:path"
import { homeFolder } from "../base/system/home.ts"

/** Where state lies: as written, relative to the config; else the XDG state folder. */
export function storeFolder(
  written: string | undefined,
  folder: string,
  env: (name: string) => string | undefined,
): string {
  if (written !== undefined) return resolve(folder, written)
  const xdg = env("XDG_STATE_HOME")
  // The XDG specification: a relative path is to be ignored.
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, "mycelium")
  return join(homeFolder(env), ".local", "state", "mycelium")
}
