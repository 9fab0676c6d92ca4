import { randomBytes } from "node:crypto"
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { cached } from "../../../scripts/servers/cache.ts"
import { type Programs } from "../../../scripts/servers.ts"
import { temporaryFolder } from "../temp-folder.ts"
import { account, hand } from "./account.ts"
import { runToEnd } from "./child.ts"
import { copyFolder } from "./copy-folder.ts"
import { serversFolder } from "./servers-folder.ts"

/** A data folder to copy: initdb takes ten times as long as a start. */
export type Template = {
  readonly dataFolder: string
  readonly password: string
  /** The copy is gone: its identity may be given to another server. */
  release(): void
}

export const superuser = "postgres"

/** Names of templates that a server of this process was copied from. */
const taken = new Set<string>()

/**
 * Copies share their system_identifier, by which Mycelium tells servers apart; so no two servers
 * that a process has at one time come from one template.
 */
export async function takeTemplate(programs: Programs): Promise<Template> {
  const owner = account?.uid ?? process.getuid?.()
  let number = 1
  const name = (): string => `template-${programs.version}-${owner}-${number}`
  while (taken.has(name())) number++
  const mine = name()
  taken.add(mine)
  const folder = await kept(mine, programs)
  const password = await readFile(join(folder, "password"), "utf8")
  return { dataFolder: join(folder, "data"), password, release: () => taken.delete(mine) }
}

const passing = new Map<string, string>()

/** In the cache; if another user owns that, only as long as this process lives. */
async function kept(name: string, programs: Programs): Promise<string> {
  const entry = await cached(name, (draft) => make(draft, programs)).catch(() => ({
    why: "the cache cannot be written",
  }))
  if ("folder" in entry) return entry.folder
  const path = passing.get(name) ?? (await temporaryFolder()).path
  if (!passing.has(name)) await make(path, programs)
  passing.set(name, path)
  return path
}

async function make(draft: string, programs: Programs): Promise<undefined> {
  await using work = await temporaryFolder(serversFolder())
  const password = randomBytes(18).toString("hex")
  const pwfile = join(work.path, "password")
  await writeFile(pwfile, password, { mode: 0o600 })
  await hand(work.path, pwfile)
  const flags = [
    "--auth=scram-sha-256",
    `--pwfile=${pwfile}`,
    "--locale=C",
    "--encoding=UTF8",
    "--wal-segsize=1",
    "--no-sync",
    "--no-instructions",
  ]
  const argv = [
    join(programs.bin, "initdb"),
    "-D",
    join(work.path, "data"),
    "-U",
    superuser,
    ...flags,
  ]
  await runToEnd({ argv, env: programs.env, folder: work.path })
  await copyFolder(join(work.path, "data"), join(draft, "data"))
  await writeFile(join(draft, "password"), password, { mode: 0o600 })
  return undefined
}
