import { statSync } from "node:fs"
import { chown } from "node:fs/promises"
import { dirname } from "node:path"

/** PostgreSQL refuses to run as root: root's servers run as the user nobody, other users' as themselves. */
export const account: { readonly uid: number; readonly gid: number } | undefined =
  process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined

/** Gives files to the account that servers run as. */
export async function hand(...paths: readonly string[]): Promise<void> {
  if (account === undefined) return
  for (const path of paths) await chown(path, account.uid, account.gid)
}

/** Can that account enter this folder? Not below /root, for instance. */
export function reachable(folder: string): boolean {
  if (account === undefined) return true
  const openToAll = (statSync(folder).mode & 0o001) !== 0
  return openToAll && (folder === dirname(folder) || reachable(dirname(folder)))
}
