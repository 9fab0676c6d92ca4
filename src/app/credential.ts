import { resolve } from "node:path"
import { AppError } from "../base/error.ts"
import { readRealFile } from "../base/real-file.ts"
import type { Host } from "../base/host.ts"
import { failureOf, run } from "../base/spawn.ts"
import type { Reference } from "../core/ports.ts"
import { Secret } from "../core/secret.ts"

const commandMs = 30_000

/** The value that a reference points to, without its final line end; read anew at each call. */
export async function credentialOf(reference: Reference, about: { readonly folder: string; readonly host: Host; readonly label: string }): Promise<Secret> {
  const text = await read(reference, about)
  const value = text.replace(/\r?\n$/, "")
  if (value === "") throw new AppError("reference-empty", `the credential of ${about.label} is empty`, { hint: `look at ${nameOf(reference)}` })
  return new Secret(about.label, value)
}

async function read(reference: Reference, about: { readonly folder: string; readonly host: Host; readonly label: string }): Promise<string> {
  if ("file" in reference) {
    const path = resolve(about.folder, reference.file)
    const found = await readRealFile(path, 64 * 1024)
    if (found === undefined) throw new AppError("reference-missing", `the credential of ${about.label} is not there: no file ${path}`, { hint: "make the file, readable by this user alone, or name another in the config" })
    if ((found.stats.mode & 0o007) !== 0) throw new AppError("reference-open", `${path} can be read by everybody`, { hint: `chmod o= ${path}, and change the credential in it if others may have read it` })
    return Buffer.from(found.bytes).toString()
  }
  if ("env" in reference) {
    const value = about.host.env(reference.env)
    if (value === undefined) throw new AppError("reference-missing", `the credential of ${about.label} is not there: the variable ${reference.env} is not set`, { hint: "set it for this process, or name a file instead" })
    return value
  }
  const [program = ""] = reference.command
  const result = await run(reference.command, { timeoutMs: commandMs, cwd: about.folder })
  const failure = failureOf(program, result)
  if (failure !== undefined) throw failure.within(`the credential of ${about.label}`)
  return result.stdout
}

function nameOf(reference: Reference): string {
  if ("file" in reference) return reference.file
  return "env" in reference ? `the variable ${reference.env}` : "what the command prints"
}
