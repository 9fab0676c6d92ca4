import type { Stats } from "node:fs"
import { resolve } from "node:path"
import { AppError } from "../../base/error.ts"
import { isOurs } from "../../base/files/writers.ts"
import { readRealFile } from "../../base/files/real-file.ts"
import { changeableIn } from "../../base/files/command-files.ts"
import { failureOf, type RunOptions, type RunResult } from "../../base/processes/spawn.ts"
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
export async function readReference(
  reference: Reference,
  context: ReferenceReach,
): Promise<Secret> {
  const text = await textOf(reference, context)
  const value = text.replace(/\r?\n$/, "")
  const place = placeOf(reference, context.folder)
  if (value === "")
    throw new AppError("reference-empty", `${place} holds no credential: it is empty`)
  if (value.includes("\0"))
    throw new AppError("reference-not-text", `${place} holds no credential: it is not text`)
  return new Secret(context.label ?? place, value)
}

/** What is wrong with a reference though it can be read; for `check`. */
export async function findingsOf(
  reference: Reference,
  context: Pick<ReferenceReach, "folder">,
): Promise<readonly Finding[]> {
  if (!("file" in reference)) return []
  const path = resolve(context.folder, reference.file)
  const found = await readRealFile(path, largest)
  return found !== undefined && isOpen(found.stats)
    ? [{ code: "reference-open", severity: "warning", ...open(path) }]
    : []
}

async function textOf(reference: Reference, context: ReferenceReach): Promise<string> {
  if ("file" in reference) return fileText(resolve(context.folder, reference.file))
  if ("env" in reference) return variable(reference.env, context)
  return output(reference.command, context)
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

function open(path: string): { readonly message: string; readonly remedy: string } {
  return {
    message: `${path} can be read by everybody on this machine`,
    remedy: `chmod o= ${path}, and change the credential in it if others may have read it`,
  }
}

function variable(name: string, context: ReferenceReach): string {
  const value = context.env(name)
  if (value === undefined)
    throw new AppError("reference-missing", `the variable ${name} is not set`, {
      hint: "it holds a credential that the config asks for: set it for this process, or name a file instead",
    })
  return value
}

/** The program gets the PATH of all our programs and HOME, nothing else of our environment. */
async function output(command: readonly string[], context: ReferenceReach): Promise<string> {
  const [program = "", ...rest] = command
  const path = program.includes("/") ? resolve(context.folder, program) : undefined
  const argv = [path ?? program, ...rest]
  const fault = await changeableIn({ argv, folder: context.folder })
  if (fault !== undefined)
    throw new AppError(
      "reference-open",
      `${fault.path} ${fault.message}: it could give a credential of theirs`,
      { hint: fault.remedy },
    )
  const home = context.env("HOME")
  const result = await context.run(argv, {
    timeoutMs: commandMs,
    cwd: context.folder,
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
