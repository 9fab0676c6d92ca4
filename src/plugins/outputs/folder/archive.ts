import { AppError } from "../../../base/error.ts"

/**
 * The files of a folder as one piece of bytes, which the engine seals and gives back: name and
 * base64, in the order of names.
 */
export function archiveOf(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  return Buffer.from(
    JSON.stringify(
      [...files]
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([name, bytes]) => [name, Buffer.from(bytes).toString("base64")]),
    ),
  )
}

export function filesIn(archive: Uint8Array): ReadonlyMap<string, Uint8Array> {
  try {
    const list: unknown = JSON.parse(Buffer.from(archive).toString())
    if (!Array.isArray(list)) throw new Error("no list")
    return new Map(
      list.map((entry: unknown) => {
        if (!Array.isArray(entry)) throw new Error("no entry")
        const [name, text]: readonly unknown[] = entry
        return [String(name), Buffer.from(String(text), "base64")]
      }),
    )
  } catch {
    throw new AppError("internal", "the former content of a folder cannot be read")
  }
}
