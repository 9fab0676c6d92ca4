import { dirname, join } from "node:path"
import { debianPackages, libraryPath } from "./debian.ts"
import { type Found, missing } from "./found.ts"
import { run } from "./run.ts"

let asked: Promise<Found> | undefined

/** The pgbouncer on the PATH, else the distribution's, unpacked. */
export function pgbouncerPrograms(): Promise<Found> {
  asked ??= find()
  return asked
}

async function find(): Promise<Found> {
  const installed = Bun.which("pgbouncer")
  if (installed !== null) return inFolder(dirname(installed), {})
  const entry = await debianPackages("pgbouncer", ["pgbouncer"])
  if ("why" in entry) return missing(entry.why)
  const programs = await inFolder(join(entry.folder, "usr/sbin"), {
    LD_LIBRARY_PATH: libraryPath(entry.folder),
  })
  return programs.found ? { ...programs, root: entry.folder } : programs
}

async function inFolder(bin: string, env: Readonly<Record<string, string>>): Promise<Found> {
  const ran = await run([join(bin, "pgbouncer"), "--version"], { env })
  const version = ran.out.match(/PgBouncer ([\d.]+)/)?.[1]
  if (!ran.ok || version === undefined) return missing(`pgbouncer does not run here: ${ran.err}`)
  return { found: true, bin, env, version, message: `PgBouncer ${version} in ${bin}` }
}
