import type { FileHandle } from "node:fs/promises"

/** Bytes from `start`, up to and without `end`. */
export type Range = { readonly start: number; readonly end: number }

const [seekData, seekHole] = [3, 4]

/**
 * Where a sparse file holds data: between that are zeros alone, which take no room and, by the
 * hundred gigabytes, minutes to read. One range, the whole, if the holes cannot be asked for: it
 * needs ffi, which a hardened unit forbids.
 */
export async function* dataRanges(file: FileHandle): AsyncGenerator<Range> {
  const { size, blocks } = await file.stat()
  const seek = blocks * 512 < size ? await seekIn(file.fd) : undefined
  // Where there are holes, the first is somewhere: an error says that they cannot be asked for.
  if (seek === undefined || seek(0, seekHole) < 0) return yield { start: 0, end: toTheEnd }
  for (let at = 0; at < size; ) {
    const start = seek(at, seekData)
    // No data follows.
    if (start < at) break
    const end = Math.max(seek(start, seekHole), start + 1)
    yield { start, end }
    at = end
  }
  // What was written to it meanwhile.
  yield { start: size, end: toTheEnd }
}

/** The size that a file says may be too small: it grows, or lies in /proc. */
const toTheEnd = Number.MAX_SAFE_INTEGER

type Seek = (from: number, whence: number) => number

async function seekIn(fd: number): Promise<Seek | undefined> {
  try {
    const { dlopen, FFIType } = await import("bun:ffi")
    const libc = dlopen("libc.so.6", {
      lseek: { args: [FFIType.i32, FFIType.i64, FFIType.i32], returns: FFIType.i64 },
    })
    return (from, whence) => Number(libc.symbols.lseek(fd, BigInt(from), whence))
  } catch {
    return undefined
  }
}
