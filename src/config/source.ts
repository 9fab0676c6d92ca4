import { constants, closeSync, fstatSync, openSync, readFileSync } from "node:fs"
import { AppError, systemCode } from "../base/error.ts"

const largest = 100_000

/**
 * The text of a file that is part of the config. Links are followed, as for the config itself;
 * `trustOf` checks them for every command that runs hooks.
 */
export function readSource(path: string): string {
  let file: number
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    throw new AppError("file-unreadable", `cannot be read: ${systemCode(error) ?? "unknown error"}`)
  }
  try {
    const stats = fstatSync(file)
    if (!stats.isFile()) throw new AppError("file-irregular", "is not a regular file")
    if (stats.size > largest)
      throw new AppError("file-too-large", `is larger than ${largest} bytes`)
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(readFileSync(file))
  } catch (error) {
    throw error instanceof AppError
      ? error
      : new AppError("file-unreadable", "cannot be read as UTF-8 text")
  } finally {
    closeSync(file)
  }
}
