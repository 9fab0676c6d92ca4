import { readFileSync } from "node:fs"
import { isIPv4 } from "node:net"
import { type FindSocket, type Holder, socketFinder } from "./socket-diag.ts"

/** Who has the other end of a connection within this machine, as the kernel knows it. */

/**
 * A uid, or: it cannot be told from here (another network namespace, a redirected port, a user
 * namespace that does not name them).
 */
export type Owner = number | "hidden"

/** What TCP sockets there are in our network namespace. */
const tables = ["/proc/net/tcp", "/proc/net/tcp6"]
/** Whom a user namespace has no number for: any of many. */
const nobodyInParticular = 65_534

export type SocketAddresses = {
  readonly localAddress?: string | undefined
  readonly localPort?: number | undefined
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
}

/**
 * How the kernel is asked: `find` for the one socket, `read` for a table of all where that cannot
 * be had.
 */
export type Kernel = {
  readonly find: FindSocket | undefined
  readonly read: (path: string) => string
}

export async function thisKernel(): Promise<Kernel> {
  return { find: await socketFinder(), read: readTable }
}

/**
 * The one that has accepted this connection: the kernel notes on the accepted socket by whom.
 * "waiting": no process has accepted it yet, or it has been closed. "unseen": no table shows it, which may
 * leave a row out while it changes. Who listens does not matter beside that: a listener of root's
 * may be another's to accept from.
 */
export function otherEnd(
  { localAddress, localPort, remoteAddress, remotePort }: SocketAddresses,
  { find, read }: Kernel,
): Owner | "waiting" | "unseen" {
  if (
    localAddress === undefined ||
    localPort === undefined ||
    remoteAddress === undefined ||
    remotePort === undefined
  )
    return "unseen"
  const [own, other] = [
    { address: bytesOf(localAddress), port: localPort },
    { address: bytesOf(remoteAddress), port: remotePort },
  ]
  const found = find?.({ ...other, peerAddress: own.address, peerPort: own.port })
  if (found !== undefined && found !== "none") return ownerOf(found, read)
  const listed = inTables(own, other, read)
  if (listed !== undefined) return ownerOf(listed, read)
  // Only one who finds our own end would find the other, if it were here.
  const isKnown =
    found === "none" &&
    typeof find?.({ ...own, peerAddress: other.address, peerPort: other.port }) === "object"
  return isKnown ? "hidden" : "unseen"
}

function ownerOf({ uid, inode }: Holder, read: Kernel["read"]): Owner | "waiting" {
  return inode === 0 ? "waiting" : named(uid, read)
}

type End = { readonly address: Buffer; readonly port: number }

function inTables(own: End, other: End, read: Kernel["read"]): Holder | undefined {
  const [ours, theirs] = [formsOf(own), formsOf(other)]
  for (const table of tables) {
    const text = read(table)
    for (const [index, end] of theirs.entries()) {
      const at = text.indexOf(` ${end} ${ours[index]} `)
      if (at < 0) continue
      // After the two addresses: state, queues, timer, retransmits, uid, timeout, inode.
      const [, , , , , , uid = "", , inode = "0"] = text
        .slice(at, text.indexOf("\n", at))
        .trim()
        .split(/\s+/)
      return /^\d+$/.test(uid) ? { uid: Number(uid), inode: Number(inode) } : { uid: 0, inode: 0 }
    }
  }
  return undefined
}

/**
 * As the tables write it: words of 32 bits in the machine's order, the port in the network's. An
 * IPv4 address also as a server has it that listens for both.
 */
function formsOf({ address, port }: End): readonly string[] {
  const end = port.toString(16).toUpperCase().padStart(4, "0")
  if (address.length === 16) return [`${wordsOf(address)}:${end}`]
  return [
    `${wordsOf(address)}:${end}`,
    `${wordsOf(Buffer.concat([Buffer.alloc(10), Buffer.from([255, 255]), address]))}:${end}`,
  ]
}

function bytesOf(address: string): Buffer {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "")
  return isIPv4(plain) ? Buffer.from(plain.split(".").map(Number)) : bytesOfV6(plain)
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
