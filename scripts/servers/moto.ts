import { cached, openToAll } from "./cache.ts"
import { type Found, missing } from "./found.ts"
import { run } from "./run.ts"

/** Of Python's index. What it does differently from AWS is said in test/support/servers/moto.ts. */
const version = "5.2.5"

/** The machine's own, which an account without a home can run, too. */
export const python = Bun.which("python3", { PATH: "/usr/local/bin:/usr/bin:/bin" }) ?? "python3"

/** For the tests of what speaks to AWS: moto, in a folder of its own, with all that it needs; nothing is installed. `bin` is what goes into PYTHONPATH. */
export async function motoPrograms(): Promise<Found> {
  const entry = await cached(`moto-${version}`, fetchInto)
  if ("why" in entry) return missing(entry.why)
  const { folder } = entry
  const ran = await run([python, "-c", "import moto.server, moto; print(moto.__version__)"], {
    env: { PYTHONPATH: folder },
  })
  if (!ran.ok) return missing(`moto does not run here: ${ran.err}`)
  return {
    found: true,
    bin: folder,
    root: folder,
    env: { PYTHONPATH: folder },
    version,
    message: `moto ${version} in ${folder}`,
  }
}

async function fetchInto(draft: string): Promise<string | undefined> {
  const words = ["-m", "pip", "--python", python, "install", "--quiet", "--no-warn-conflicts"]
  const ran = await run(["python3", ...words, "--target", draft, `moto[server]==${version}`])
  return ran.ok ? openToAll(draft) : `pip install moto[server]==${version}: ${ran.err}`
}
