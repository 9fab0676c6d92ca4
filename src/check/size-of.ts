import { statSync } from "node:fs"

/** 0 where there is none, or it cannot be looked at. */
export function sizeOf(path: string): number {
  try {
    return statSync(path, { throwIfNoEntry: false })?.size ?? 0
  } catch {
    return 0
  }
}
