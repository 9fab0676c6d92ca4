import { readdir } from "node:fs/promises"
import { run } from "./run.ts"

/**
 * Brings a wheel of Python's index into an empty folder, and installs nothing. Its name there, or
 * why it could not be had.
 */
export async function fetchWheel(
  wheel: string,
  into: string,
): Promise<{ readonly file: string } | { readonly why: string }> {
  const words = ["-m", "pip", "download", "--quiet", "--no-deps", "--dest", into, wheel]
  const ran = await run(["python3", ...words])
  if (!ran.ok) return { why: `pip download ${wheel}: ${ran.err}` }
  const [file] = await readdir(into)
  return file === undefined ? { why: `pip download ${wheel} brought nothing` } : { file }
}
