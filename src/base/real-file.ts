import type { Stats } from "node:fs"
import { realpath } from "node:fs/promises"
import { readRegular } from "./durable-write.ts"
import { AppError, systemCode } from "./error.ts"

/** `readRegular` for files that we only read: links are followed, for Kubernetes and NixOS mount configs and secrets as links. */
export async function readRealFile(path: string, limit: number): Promise<{ readonly bytes: Uint8Array; readonly stats: Stats } | undefined> {
  let real: string
  try {
    real = await realpath(path)
  } catch (error) {
    const code = systemCode(error)
    if (code === "ENOENT") return undefined
    throw new AppError("file-unreadable", `cannot read ${path}: ${code ?? "unknown error"}`)
  }
  return readRegular(real, limit)
}
