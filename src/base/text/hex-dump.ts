/**
 * What a hex dump (xxd, hexdump -C, od -tx1) says, as the hex digits alone: no offset, no text beside
 * them, no line breaks.
 */

const row =
  /^[ \t]*[0-9a-f]{6,16}:?[ \t]{1,2}((?:[0-9a-f]{2}){1,8}(?:[ \t]{1,2}(?:[0-9a-f]{2}){1,8}){0,63})(?=[ \t]*$|[ \t]{2}| \|)/gim
/** No row is longer: what has no line break is no dump. */
const longestRow = 1024

export class HexDump {
  #rest = ""

  feed(part: Uint8Array): Buffer {
    const text = this.#rest + Buffer.from(part).toString("latin1").replaceAll("\r\n", "\n")
    const end = text.lastIndexOf("\n") + 1
    this.#rest = text.slice(Math.max(end, text.length - longestRow))
    return digitsOf(text.slice(0, end))
  }

  end(): Buffer {
    return digitsOf(this.#rest)
  }
}

function digitsOf(text: string): Buffer {
  const rows = [...text.matchAll(row)].map(([, digits = ""]) => digits.replaceAll(/\s/g, ""))
  return Buffer.from(rows.join("").toLowerCase())
}
