import { existsSync } from "node:fs"
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { debianPackages, libraryPath, updateIndex } from "./debian.ts"
import { type Found, missing, type Programs } from "./found.ts"
import { npmPostgres } from "./npm-postgres.ts"
import { run } from "./run.ts"

const asked = new Map<string, Promise<Found>>()

/**
 * "system": the PostgreSQL of this machine, else the distribution's, unpacked; where neither can be
 * had the one of npm, so that a machine with Node alone can run everything. "newer": the one of
 * npm.
 */
export function postgresPrograms(which: "system" | "newer"): Promise<Found> {
  const known = asked.get(which) ?? (which === "newer" ? npmPostgres() : systemPostgres())
  asked.set(which, known)
  return known
}

async function systemPostgres(): Promise<Found> {
  const installed = await inFolder("/usr/lib/postgresql", {})
  if (installed !== undefined) return installed
  const unpacked = await unpackedPostgres()
  return unpacked.found ? unpacked : npmPostgres()
}

async function unpackedPostgres(): Promise<Found> {
  const server =
    (await serverPackage()) ?? ((await updateIndex()) === undefined ? await serverPackage() : null)
  if (server === null) return missing("the index of packages knows no postgresql")
  const [name, major] = server
  const entry = await debianPackages(name, [name, `postgresql-client-${major}`])
  if ("why" in entry) return missing(entry.why)
  const programs = await inFolder(join(entry.folder, "usr/lib/postgresql"), {
    LD_LIBRARY_PATH: libraryPath(entry.folder),
  })
  return programs === undefined
    ? missing(`${name} does not run here`)
    : { ...programs, root: entry.folder }
}

async function serverPackage(): Promise<RegExpMatchArray | null> {
  const depends = await run(["apt-cache", "depends", "postgresql"])
  return depends.out.match(/postgresql-(\d+)$/m)
}

/**
 * The highest version in a folder laid out as Debian does; one without a server (clients only) does
 * not count.
 */
async function inFolder(
  folder: string,
  env: Readonly<Record<string, string>>,
): Promise<Programs | undefined> {
  const versions = existsSync(folder) ? await readdir(folder) : []
  for (const version of versions.sort((a, b) => Number(b) - Number(a))) {
    const bin = join(folder, version, "bin")
    if (!existsSync(join(bin, "initdb"))) continue
    const ran = await run([join(bin, "postgres"), "--version"], { env })
    const number = ran.out.match(/\d+\.\d+/)?.[0]
    if (ran.ok && number !== undefined)
      return { found: true, bin, env, version: number, message: `PostgreSQL ${number} in ${bin}` }
  }
  return undefined
}
