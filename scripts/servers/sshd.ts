import { join } from "node:path"
import { debianPackages, libraryPath } from "./debian.ts"
import { type Found, missing } from "./found.ts"
import { run } from "./run.ts"

let asked: Promise<Found> | undefined

/** The sshd of this machine, else the distribution's, unpacked. */
export function sshdPrograms(): Promise<Found> {
  asked ??= find()
  return asked
}

async function find(): Promise<Found> {
  if (Bun.which("sshd", { PATH: "/usr/sbin:/usr/local/sbin" }) !== null)
    return inFolder("/usr/sbin", {})
  const entry = await debianPackages("openssh-server", ["openssh-server"])
  if ("why" in entry) return missing(entry.why)
  const programs = await inFolder(join(entry.folder, "usr/sbin"), {
    LD_LIBRARY_PATH: libraryPath(entry.folder),
  })
  return programs.found ? { ...programs, root: entry.folder } : programs
}

/** sshd has no option for its version: it says it when it refuses an unknown one. */
async function inFolder(bin: string, env: Readonly<Record<string, string>>): Promise<Found> {
  const child = Bun.spawn([join(bin, "sshd"), "-?"], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    env: { ...process.env, ...env },
  })
  const said = await child.stderr.text()
  const version = said.match(/OpenSSH_([\w.]+)/)?.[1]
  if (version === undefined)
    return missing(`sshd does not run here: ${(await run([join(bin, "sshd"), "-t"], { env })).err}`)
  return { found: true, bin, env, version, message: `OpenSSH ${version} in ${bin}` }
}
