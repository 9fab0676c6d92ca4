import { run } from "../../../scripts/servers/run.ts"

/** Owners and modes included. By cp, which takes half the time of Bun's own. */
export async function copyFolder(from: string, to: string): Promise<void> {
  const ran = await run(["cp", "-a", from, to])
  if (!ran.ok) throw new Error(`cp: ${ran.err}`)
}
