import type { Stats } from "node:fs"
import { AppError } from "../../base/error.ts"
import { readRealFile } from "../../base/files/real-file.ts"
import { isOurs } from "../../base/files/writers.ts"
import type { Finding } from "../../core/ports.ts"

const largest = 64 * 1024

export async function textOf(path: string): Promise<string> {
  const found = await readRealFile(path, largest)
  if (found === undefined)
    throw new AppError("reference-missing", `there is no file ${path}`, {
      hint:
        "it holds a credential that the config asks for: make it, readable by this user alone, " +
        "or name another",
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
        hint:
          "if that user may choose this credential, move it to a folder of theirs; " +
          "else put the right one there, root's or this user's",
      },
    )
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(found.bytes)
  } catch {
    throw new AppError("reference-not-text", `${path} holds no credential: it is not text`)
  }
}

export async function findingsOf(path: string): Promise<readonly Finding[]> {
  const found = await readRealFile(path, largest)
  if (found === undefined || !isOpen(found.stats)) return []
  return [
    {
      code: "reference-open",
      severity: "warning",
      message: `${path} can be read by everybody on this machine`,
      remedy: `chmod o= ${path}, and change the credential in it if others may have read it`,
    },
  ]
}

/**
 * Docker and Kubernetes mount secrets that everybody in the container can read: said by `check`,
 * not refused.
 */
function isOpen(stats: Stats): boolean {
  return (stats.mode & 0o004) !== 0
}
