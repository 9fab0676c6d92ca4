import { dirname, join } from "node:path"
import { debianPackages, libraryPath } from "./debian.ts"
import { type Found, missing } from "./found.ts"
import { run } from "./run.ts"

let asked: Promise<Found> | undefined

/**
 * The mariadbd of this machine, else the distribution's, unpacked with its plug-ins. `root` holds
 * usr/share/mysql, which mariadbd needs named.
 */
export function mariadbPrograms(): Promise<Found> {
  asked ??= find()
  return asked
}

async function find(): Promise<Found> {
  const installed = Bun.which("mariadbd") ?? Bun.which("mariadbd", { PATH: "/usr/sbin" })
  if (installed !== null) return inFolder(dirname(installed), {})
  const entry = await debianPackages("mariadb-server", ["mariadb-server-core"], ["mariadb-server"])
  if ("why" in entry) return missing(entry.why)
  const programs = await inFolder(join(entry.folder, "usr/sbin"), {
    LD_LIBRARY_PATH: libraryPath(entry.folder),
  })
  return programs.found ? { ...programs, root: entry.folder } : programs
}

async function inFolder(bin: string, env: Readonly<Record<string, string>>): Promise<Found> {
  const ran = await run([join(bin, "mariadbd"), "--no-defaults", "--version"], { env })
  const version = ran.out.match(/Ver ([\d.]+)/)?.[1]
  if (!ran.ok || version === undefined) return missing(`mariadbd does not run here: ${ran.err}`)
  return { found: true, bin, env, version, message: `MariaDB ${version} in ${bin}` }
}
