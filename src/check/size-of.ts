import { largest } from "../plugins/outputs/file/present.ts"
import { statSync } from "node:fs"

/** 0 where there is none, or it cannot be looked at. */
export function sizeOf(path: string): number {
  try {
    return statSync(path, { throwIfNoEntry: false })?.size ?? 0
  } catch {
    return 0
  }
}

/** Of an output: what is larger is neither read nor written, so it needs no room. */
export function outputSizeOf(path: string): number {
  return Math.min(sizeOf(path), largest)
}
