import { dirname, join } from "node:path"
import { debianPackages, libraryPath } from "./debian.ts"
import { type Found, missing } from "./found.ts"
import { run } from "./run.ts"

let asked: Promise<Found> | undefined

/** The redis-server on the PATH, else the distribution's, unpacked. */
export function redisPrograms(): Promise<Found> {
  asked ??= find()
  return asked
}

async function find(): Promise<Found> {
  const installed = Bun.which("redis-server")
  if (installed !== null) return inFolder(dirname(installed), {})
  const entry = await debianPackages("redis", ["redis-server", "redis-tools"])
  if ("why" in entry) return missing(entry.why)
  const programs = await inFolder(join(entry.folder, "usr/bin"), {
    LD_LIBRARY_PATH: libraryPath(entry.folder),
  })
  return programs.found ? { ...programs, root: entry.folder } : programs
}

async function inFolder(bin: string, env: Readonly<Record<string, string>>): Promise<Found> {
  const ran = await run([join(bin, "redis-server"), "--version"], { env })
  const version = ran.out.match(/v=([\d.]+)/)?.[1]
  if (!ran.ok || version === undefined) return missing(`redis-server does not run here: ${ran.err}`)
  return { found: true, bin, env, version, message: `Redis ${version} in ${bin}` }
}
