import type { Stats } from "node:fs"
import { resolve } from "node:path"
import { AppError } from "../../base/error.ts"
import { isOurs } from "../../base/folder.ts"
import { readRealFile } from "../../base/real-file.ts"
import { changeableBy } from "../../base/runnable.ts"
import { failureOf, type RunOptions, type RunResult } from "../../base/spawn.ts"
import type { Finding, Reference } from "../../core/ports.ts"
import { Secret } from "../../core/secret.ts"

export type ReferenceReach = {
  /** What relative paths are relative to. */
  readonly folder: string
  /** One variable of our own environment. */
  env(name: string): string | undefined
  run(argv: readonly string[], options: RunOptions): Promise<RunResult>
  /** Names the credential in messages; what it is for. */
  readonly label?: string
}

const largest = 64 * 1024
const commandMs = 30_000

/** The value that a reference points to, read anew at each call, without its final line end. */
export async function readReference(reference: Reference, reach: ReferenceReach): Promise<Secret> {
  const text = await textOf(reference, reach)
  const value = text.replace(/\r?\n$/, "")
  const place = placeOf(reference, reach.folder)
  if (value === "")
    throw new AppError("reference-empty", `${place} holds no credential: it is empty`)
  if (value.includes("\0"))
    throw new AppError("reference-not-text", `${place} holds no credential: it is not text`)
  return new Secret(reach.label ?? place, value)
}

/** What is wrong with a reference though it can be read; for `check`. */
export async function findingsOf(
  reference: Reference,
  reach: Pick<ReferenceReach, "folder">,
): Promise<readonly Finding[]> {
  if (!("file" in reference)) return []
  const path = resolve(reach.folder, reference.file)
  const found = await readRealFile(path, largest)
  return found !== undefined && isOpen(found.stats)
    ? [{ code: "reference-open", severity: "warning", ...open(path) }]
    : []
}

async function textOf(reference: Reference, reach: ReferenceReach): Promise<string> {
  if ("file" in reference) return fileText(resolve(reach.folder, reference.file))
  if ("env" in reference) return variable(reference.env, reach)
  return output(reference.command, reach)
}

async function fileText(path: string): Promise<string> {
  const found = await readRealFile(path, largest)
  if (found === undefined)
    throw new AppError("reference-missing", `there is no file ${path}`, {
      hint: "it holds a credential that the config asks for: make it, readable by this user alone, or name another",
    })
  if ((found.stats.mode & 0o002) !== 0)
    throw new AppError("reference-open", `${path} can be written by everybody`, {
      hint: `chmod 600 ${path}, and look at what it holds`,
    })
  if (found.keeper === "shared" && !isOurs(found.stats.uid))
    throw new AppError(
      "reference-open",
      `${path} belongs to user ${found.stats.uid}, in a folder where others can put files`,
      {
        hint: `if that user may choose this credential, move it to a folder of theirs; else put the right one there, root's or this user's`,
      },
    )
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(found.bytes)
  } catch {
    throw new AppError("reference-not-text", `${path} holds no credential: it is not text`)
  }
}

/**
 * Docker and Kubernetes mount secrets that everybody in the container can read: said by `check`,
 * not refused.
 */
function isOpen(stats: Stats): boolean {
  return (stats.mode & 0o004) !== 0
}

function open(path: string): { readonly says: string; readonly remedy: string } {
  return {
    says: `${path} can be read by everybody on this machine`,
    remedy: `chmod o= ${path}, and change the credential in it if others may have read it`,
  }
}

function variable(name: string, reach: ReferenceReach): string {
  const value = reach.env(name)
  if (value === undefined)
    throw new AppError("reference-missing", `the variable ${name} is not set`, {
      hint: "it holds a credential that the config asks for: set it for this process, or name a file instead",
    })
  return value
}

/** The program gets the PATH of all our programs and HOME, nothing else of our environment. */
async function output(command: readonly string[], reach: ReferenceReach): Promise<string> {
  const [program = "", ...rest] = command
  const path = program.includes("/") ? resolve(reach.folder, program) : undefined
  const fault = path === undefined ? undefined : await changeableBy(path)
  if (fault !== undefined)
    throw new AppError(
      "reference-open",
      `${path} ${fault.says}: it could give a credential of theirs`,
      { hint: fault.remedy },
    )
  const argv = [path ?? program, ...rest]
  const home = reach.env("HOME")
  const result = await reach.run(argv, {
    timeoutMs: commandMs,
    cwd: reach.folder,
    ...(home === undefined ? {} : { env: { HOME: home } }),
  })
  const failure = failureOf(program, result)
  if (failure !== undefined) throw failure
  return result.stdout
}

function placeOf(reference: Reference, folder: string): string {
  if ("file" in reference) return resolve(folder, reference.file)
  return "env" in reference
    ? `the variable ${reference.env}`
    : `the output of ${reference.command[0] ?? ""}`
}
