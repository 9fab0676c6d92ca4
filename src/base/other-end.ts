import { readFileSync } from "node:fs"
import { isIPv4 } from "node:net"

/** Who has the other end of a connection within this machine, as the kernel knows it. */

/** A uid, or: it cannot be told from here (another network namespace, a redirected port, a user namespace that does not name them). */
export type Owner = number | "hidden"

/** What TCP sockets there are in our network namespace. */
const tables = ["/proc/net/tcp", "/proc/net/tcp6"]
/** Whom a user namespace has no number for: any of many. */
const nobodyInParticular = 65_534

export type Ends = {
  readonly localAddress?: string | undefined
  readonly localPort?: number | undefined
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
}

/**
 * The one that has accepted this connection: the kernel notes on the accepted socket by whom. "waiting": nobody has yet, or
 * they have let go of it. Who listens does not matter beside that: a listener of root's may be another's to accept from.
 */
export function otherEnd(
  { localAddress, localPort, remoteAddress, remotePort }: Ends,
  read: (path: string) => string = readTable,
): Owner | "waiting" {
  if (
    localAddress === undefined ||
    localPort === undefined ||
    remoteAddress === undefined ||
    remotePort === undefined
  )
    return "hidden"
  const [own, other] = [formsOf(localAddress, localPort), formsOf(remoteAddress, remotePort)]
  for (const table of tables) {
    const text = read(table)
    for (const [index, end] of other.entries()) {
      const at = text.indexOf(` ${end} ${own[index]} `)
      if (at < 0) continue
      // After the two addresses: state, queues, timer, retransmits, uid, timeout, inode. No inode: it is nobody's.
      const [, , , , , , uid = "", , inode = "0"] = text
        .slice(at, text.indexOf("\n", at))
        .trim()
        .split(/\s+/)
      if (inode === "0" || !/^\d+$/.test(uid)) return "waiting"
      return named(Number(uid), read)
    }
  }
  return "hidden"
}

/** As the tables write it: words of 32 bits in the machine's order, the port in the network's. An IPv4 address also as a server has it that listens for both. */
function formsOf(address: string, port: number): readonly string[] {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "")
  const end = port.toString(16).toUpperCase().padStart(4, "0")
  if (!isIPv4(plain)) return [`${wordsOf(bytesOfV6(plain))}:${end}`]
  const bytes = Buffer.from(plain.split(".").map(Number))
  return [
    `${wordsOf(bytes)}:${end}`,
    `${wordsOf(Buffer.concat([Buffer.alloc(10), Buffer.from([255, 255]), bytes]))}:${end}`,
  ]
}

function wordsOf(bytes: Buffer): string {
  return Array.from({ length: bytes.length / 4 }, (_, word) =>
    Buffer.from(bytes.subarray(word * 4, word * 4 + 4))
      .reverse()
      .toString("hex"),
  )
    .join("")
    .toUpperCase()
}

/** Only a loopback is ever asked for, which needs no more than one "::". */
function bytesOfV6(address: string): Buffer {
  const [head = "", tail = ""] = (address.split("%")[0] ?? "").split("::")
  const words = (text: string): readonly number[] =>
    text === "" ? [] : text.split(":").map((word) => Number.parseInt(word, 16))
  const all = [
    ...words(head),
    ...Array.from({ length: Math.max(0, 8 - words(head).length - words(tail).length) }, () => 0),
    ...words(tail),
  ]
  const bytes = Buffer.alloc(16)
  all.slice(0, 8).forEach((word, index) => bytes.writeUInt16BE(word & 0xff_ff, index * 2))
  return bytes
}

/** In a user namespace that knows some only, all others have one number. */
export function named(uid: number, read: (path: string) => string = readTable): Owner {
  if (uid !== nobodyInParticular || /^\s*0\s+0\s+4294967295\s*$/.test(read("/proc/self/uid_map")))
    return uid
  return "hidden"
}

function readTable(path: string): string {
  try {
    return readFileSync(path, "latin1")
  } catch {
    return ""
  }
}
