import { dirname, join } from "node:path"
import { debianPackages, libraryPath } from "./debian.ts"
import { type Found, missing } from "./found.ts"
import { run } from "./run.ts"

/** Only the bench asks for it: the `rg` on the PATH, else the distribution's, unpacked. */
export async function ripgrepPrograms(): Promise<Found> {
  const installed = Bun.which("rg")
  if (installed !== null) return inFolder(dirname(installed), {})
  const entry = await debianPackages("ripgrep", ["ripgrep"])
  return "why" in entry
    ? missing(entry.why)
    : inFolder(join(entry.folder, "usr/bin"), { LD_LIBRARY_PATH: libraryPath(entry.folder) })
}

async function inFolder(bin: string, env: Readonly<Record<string, string>>): Promise<Found> {
  const ran = await run([join(bin, "rg"), "--version"], { env })
  const version = ran.out.match(/ripgrep ([\d.]+)/)?.[1]
  if (!ran.ok || version === undefined) return missing(`rg does not run here: ${ran.err}`)
  return { found: true, bin, env, version, message: `ripgrep ${version} in ${bin}` }
}
