import { cached, openToAll } from "./cache.ts"
import { type Found, missing } from "./found.ts"
import { run } from "./run.ts"

/** The machine's own, which an account without a home can run, too. */
export const python = Bun.which("python3", { PATH: "/usr/local/bin:/usr/bin:/bin" }) ?? "python3"

export type PythonPackage = {
  readonly name: string
  readonly version: string
  /** "moto[server]", where it is not the name. */
  readonly wanted?: string
  /** A program that ends with 0 if the package works. */
  readonly trial: string
}

/**
 * A package of Python's index in a folder of its own, with all that it needs; nothing is installed.
 * `bin` is what goes into PYTHONPATH.
 */
export async function pythonPackage(one: PythonPackage): Promise<Found> {
  const { name, version, trial } = one
  const entry = await cached(`${name}-${version}`, (draft) => fetchInto(draft, one))
  if ("why" in entry) return missing(entry.why)
  const { folder } = entry
  const ran = await run([python, "-c", trial], { env: { PYTHONPATH: folder } })
  if (!ran.ok) return missing(`${name} does not run here: ${ran.err}`)
  return {
    found: true,
    bin: folder,
    root: folder,
    env: { PYTHONPATH: folder },
    version,
    message: `${name} ${version} in ${folder}`,
  }
}

async function fetchInto(
  draft: string,
  { name, version, wanted = name }: PythonPackage,
): Promise<string | undefined> {
  const words = ["-m", "pip", "--python", python, "install", "--quiet", "--no-warn-conflicts"]
  const ran = await run(["python3", ...words, "--target", draft, `${wanted}==${version}`])
  return ran.ok ? openToAll(draft) : `pip install ${wanted}==${version}: ${ran.err}`
}
