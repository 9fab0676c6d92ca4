import { chmod } from "node:fs/promises"
import { join, relative } from "node:path"
import { type Found, type Programs } from "../../../scripts/servers.ts"
import { temporaryFolder } from "../temp-folder.ts"
import { reachable } from "./account.ts"
import { copyFolder } from "./copy-folder.ts"
import { serversFolder } from "./servers-folder.ts"

const copies = new Map<string, Promise<Programs>>()

/**
 * The programs, or an error that says why not; from a copy where the server's account cannot enter
 * the folder they lie in.
 */
export async function usable(found: Found): Promise<Programs> {
  if (!found.found) throw new Error(`no server to test with: ${found.why}`)
  if (found.root === undefined || reachable(found.bin)) return found
  const copy = copies.get(found.root) ?? copied(found, found.root)
  copies.set(found.root, copy)
  return copy
}

/** Lives as long as the test process. */
async function copied(programs: Programs, root: string): Promise<Programs> {
  const { path } = await temporaryFolder(serversFolder())
  const to = join(path, "programs")
  await chmod(path, 0o755)
  await copyFolder(root, to)
  const env = Object.entries(programs.env).map(([name, value]) => [
    name,
    value.replaceAll(root, to),
  ])
  return {
    ...programs,
    root: to,
    bin: join(to, relative(root, programs.bin)),
    env: Object.fromEntries(env),
  }
}
