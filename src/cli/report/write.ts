import { createHash } from "node:crypto"
import { AppError } from "../../base/error.ts"
import { durableWrite } from "../../base/files/durable-write.ts"
import { readRegular } from "../../base/files/read-regular.ts"

/**
 * A report carries the hash of its own text: so a later one knows whether a person has written into
 * it since.
 */

const blank = "0".repeat(64)
export const mark = `mycelium report, as made: sha256 ${blank}`
const marked = /mycelium report, as made: sha256 ([0-9a-f]{64})/

/** The text with its hash in the place of `mark`. */
export function sealed(text: string): string {
  return text.replace(mark, mark.replace(blank, hashOf(text)))
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex")
}

/** Replaces `file`, 0600, if it is a report that no person has written into, or `force` says so. */
export async function writeReport(file: string, text: string, force: boolean): Promise<void> {
  const found = force ? undefined : await readRegular(file)
  if (found !== undefined && !isAsMade(Buffer.from(found.bytes).toString())) {
    throw new AppError("report-exists", `${file} exists, and is no report as mycelium made it`, {
      hint: "what a person wrote into a report would be lost: choose another name, or add --force",
    })
  }
  await durableWrite(file, text)
}

function isAsMade(text: string): boolean {
  const hash = marked.exec(text)?.[1]
  return hash !== undefined && hashOf(text.replace(marked, mark)) === hash
}
