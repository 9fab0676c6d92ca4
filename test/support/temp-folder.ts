import { rmSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ourPrefix } from "./our-prefix.ts"

/** A folder that only its owner can enter, gone when the test ends, even if the test did not dispose of it. */
export type TemporaryFolder = AsyncDisposable & { readonly path: string }

const open = new Set<string>()
process.on("exit", () => {
  for (const path of open) rmSync(path, { recursive: true, force: true })
})

/**
 * `within`: the folder to make it in; the system's, if left out. The name is short: a socket's path
 * ends at 107 characters.
 */
export async function temporaryFolder(within: string = tmpdir()): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(within, `${ourPrefix()}-`))
  open.add(path)
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await rm(path, { recursive: true, force: true, maxRetries: 5 })
      open.delete(path)
    },
  }
}
