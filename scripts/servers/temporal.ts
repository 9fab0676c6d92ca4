import { cp, mkdir } from "node:fs/promises"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { cached, cacheFolder, openToAll } from "./cache.ts"
import { type Found, missing } from "./found.ts"
import { goProgram } from "./go.ts"
import { run } from "./run.ts"

/**
 * Temporal's server, its tool for SQL schemas, and a worker with a client of our own
 * (`temporal-worker/`): built from source, once, which takes many minutes. So nothing builds it by
 * the way: `bun scripts/servers.ts temporal` does.
 */

const version = "1.31.2"
const name = `temporal-${version}`
const worker = join(import.meta.dir, "temporal-worker")

/** What was built before; nothing is built. */
export async function temporalPrograms(): Promise<Found> {
  const folder = join(cacheFolder, name)
  if (!existsSync(folder))
    return missing("Temporal is not built here: ./scripts/bun scripts/servers.ts temporal")
  const bin = join(folder, "bin")
  return {
    found: true,
    root: folder,
    bin,
    env: {},
    version,
    message: `Temporal ${version} in ${bin}`,
  }
}

export async function buildTemporal(): Promise<Found> {
  const found = await goProgram()
  if ("why" in found) return missing(found.why)
  const entry = await cached(name, (draft) => buildInto(found.go, draft))
  return "why" in entry ? missing(entry.why) : temporalPrograms()
}

async function buildInto(go: string, draft: string): Promise<string | undefined> {
  const bin = join(draft, "bin")
  await mkdir(bin)
  const env = { CGO_ENABLED: "0", GOTOOLCHAIN: "local", GOBIN: bin }
  const module = "go.temporal.io/server"
  const programs = ["cmd/server", "cmd/tools/sql"].map((path) => `${module}/${path}@v${version}`)
  const installed = await run([go, "install", ...programs], { env })
  if (!installed.ok) return `Go did not build Temporal ${version}: ${installed.err}`
  const words = ["build", "-C", worker, "-trimpath", "-o", join(bin, "worker"), "."]
  const built = await run([go, ...words], { env })
  if (!built.ok) return `Go did not build the worker: ${built.err}`
  const downloaded = await run([go, "mod", "download", "-json", `${module}@v${version}`], { env })
  if (!downloaded.ok) return `${module}: ${downloaded.err}`
  const { Dir } = JSON.parse(downloaded.out) as { readonly Dir: string }
  await cp(join(Dir, "schema/postgresql/v12"), join(draft, "schema"), { recursive: true })
  return openToAll(draft)
}
