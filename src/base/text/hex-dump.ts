/** No row is longer: what has no line break is no dump. */
export const longestRow = 1024
const shortestRow = 10

const row =
  /^[ \t]*[0-9a-f]{6,16}:?[ \t]{1,2}((?:[0-9a-f]{2}){1,8}(?:[ \t]{1,2}(?:[0-9a-f]{2}){1,8}){0,63})(?=[ \t]*$|[ \t]{2}| \|)/i

/**
 * What a row of a hex dump (xxd, hexdump -C, od -tx1) says, as the hex digits alone: no offset, no
 * text beside them; undefined for any other line. Of most lines the first bytes tell.
 */
export function digitsOfRow(bytes: Buffer, start: number, end: number): string | undefined {
  const length = end - start
  if (length < shortestRow || length > longestRow) return undefined
  for (let at = start; at < start + 6; at++) {
    const byte = bytes[at] ?? 0
    if (byte !== 0x20 && byte !== 0x09 && !isHex(byte)) return undefined
  }
  const digits = row.exec(bytes.toString("latin1", start, end))?.[1]
  return digits?.replaceAll(/\s/g, "").toLowerCase()
}

/** "41 42 43": the digits without what stands between each two; undefined for anything else. */
export function ungrouped(bytes: Buffer, start: number, end: number): Buffer | undefined {
  if (end - start < shortestRow) return undefined
  // A line that goes on from the part before may begin anywhere in a group.
  for (let at = start; at < start + 3; at++)
    if (bytes[at] === 0x20 && bytes[at + 3] === 0x20 && bytes[at + 6] === 0x20)
      return isHex(bytes[at + 1] ?? 0) && isHex(bytes[at + 2] ?? 0)
        ? Buffer.from(bytes.toString("latin1", start, end).replaceAll(" ", ""), "latin1")
        : undefined
  return undefined
}

function isHex(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66)
}
