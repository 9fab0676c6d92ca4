import { accessSync, constants, readdirSync, rmSync, statfsSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { isAbandoned } from "../our-prefix.ts"
import { reachable } from "./account.ts"

const memory = "/dev/shm"
const plentyBytes = 2e9

let chosen: string | undefined

/**
 * Where servers keep their data: in memory, if there is plenty, because a new database is a
 * thousand small files (0.1 s instead of 0.9 s); else in the temporary folder, if the servers'
 * account can enter it.
 */
export function serversFolder(): string {
  chosen ??= hasPlenty() ? memory : onDisk()
  return chosen
}

function onDisk(): string {
  return reachable(tmpdir()) ? tmpdir() : "/tmp"
}

function hasPlenty(): boolean {
  try {
    accessSync(memory, constants.W_OK)
    sweep()
    const { bavail, bsize } = statfsSync(memory)
    return bavail * bsize > plentyBytes
  } catch {
    return false // there is no such file system here, or not for us
  }
}

/** What a test process that was killed has left there would fill the memory: the next one removes it. */
function sweep(): void {
  for (const name of readdirSync(memory)) {
    if (!isAbandoned(name)) continue
    try {
      rmSync(join(memory, name), { recursive: true, force: true })
    } catch {
      // somebody else's
    }
  }
}
