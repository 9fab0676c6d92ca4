/**
 * Asks the kernel for one TCP socket of our network namespace by its two ends, sock_diag(7),
 * instead of reading the table of all: on a machine with many connections that takes milliseconds
 * for each login. By ffi, which a hardened unit forbids, and by netlink, which a sandbox may: what
 * only makes the same answer come sooner.
 */

/** Of the socket itself: its own end first. Addresses of four bytes, or of sixteen. */
export type TcpSocket = {
  readonly address: Uint8Array
  readonly port: number
  readonly peerAddress: Uint8Array
  readonly peerPort: number
}
/** By whom it was accepted or opened; no inode: no process has it (yet, or any more). */
export type Holder = { readonly uid: number; readonly inode: number }
/** "none": there is no such socket, or no module that could tell. undefined: the kernel gives no answer. */
export type Found = Holder | "none" | undefined
export type FindSocket = (socket: TcpSocket) => Found

/**
 * linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h; all numbers in the machine's order but
 * addresses and ports.
 */
const netlink = {
  family: 16,
  rawCloseOnExec: 0o2000003,
  sockDiag: 4,
  addressBytes: 12,
  headBytes: 16,
} as const
const types = { error: 2, sockDiagByFamily: 20 } as const
const families = { ipv4: 2, ipv6: 10 } as const
const [tcp, listens, request, noSuchEntry] = [6, 10, 1, -2]
/** The loopback of every namespace: a server that is bound to it is found too. */
const loopbackIndex = 1
const requestBytes = netlink.headBytes + 56
const holderBytes = netlink.headBytes + 72
/** Of an answer we read no more than this, and need its beginning only. */
const answerBytes = 1024
/** MSG_DONTWAIT and MSG_NOSIGNAL: the kernel has answered when it has taken the request. */
const flags = 0x4040

let opened: Promise<FindSocket | undefined> | undefined

/** undefined where ffi is forbidden. Opened once. */
export function socketFinder(): Promise<FindSocket | undefined> {
  opened ??= open()
  return opened
}

async function open(): Promise<FindSocket | undefined> {
  if (process.platform !== "linux") return undefined
  try {
    const { dlopen, FFIType, ptr } = await import("bun:ffi")
    const { i32, u64 } = FFIType
    const { symbols } = dlopen("libc.so.6", {
      socket: { args: [i32, i32, i32], returns: i32 },
      connect: { args: [i32, FFIType.ptr, i32], returns: i32 },
      send: { args: [i32, FFIType.ptr, u64, i32], returns: FFIType.i64_fast },
      recv: { args: [i32, FFIType.ptr, u64, i32], returns: FFIType.i64_fast },
      close: { args: [i32], returns: i32 },
    })
    const kernel = Buffer.alloc(netlink.addressBytes)
    kernel.writeUInt16LE(netlink.family, 0)
    const exchange = (asked: Buffer): Buffer | undefined => {
      const file = symbols.socket(netlink.family, netlink.rawCloseOnExec, netlink.sockDiag)
      if (file < 0) return undefined
      try {
        // Connected, it takes datagrams of the kernel alone.
        if (symbols.connect(file, ptr(kernel), kernel.length) !== 0) return undefined
        if (Number(symbols.send(file, ptr(asked), asked.length, flags)) !== asked.length)
          return undefined
        const answer = Buffer.alloc(answerBytes)
        const length = Number(symbols.recv(file, ptr(answer), answer.length, flags))
        return length < 0 || length > answer.length ? undefined : answer.subarray(0, length)
      } finally {
        symbols.close(file)
      }
    }
    return finderBy(exchange)
  } catch {
    return undefined
  }
}

/** `exchange`: sends a request, and has what the kernel says to it. */
export function finderBy(exchange: (asked: Buffer) => Buffer | undefined): FindSocket {
  let sequence = 0
  return (socket) => {
    sequence = (sequence % 0x7f_ff_ff_ff) + 1
    const answer = exchange(requestFor(socket, sequence))
    return answer === undefined ? undefined : readAnswer(answer, socket, sequence)
  }
}

/** nlmsghdr, then inet_diag_req_v2 with both ends in full: no dump. */
function requestFor({ address, port, peerAddress, peerPort }: TcpSocket, sequence: number): Buffer {
  const bytes = Buffer.alloc(requestBytes)
  bytes.writeUInt32LE(bytes.length, 0)
  bytes.writeUInt16LE(types.sockDiagByFamily, 4)
  bytes.writeUInt16LE(request, 6)
  bytes.writeUInt32LE(sequence, 8)
  bytes.writeUInt8(address.length === 4 ? families.ipv4 : families.ipv6, 16)
  bytes.writeUInt8(tcp, 17)
  // In any state.
  bytes.writeUInt32LE(0xff_ff_ff_ff, 20)
  bytes.writeUInt16BE(port, 24)
  bytes.writeUInt16BE(peerPort, 26)
  bytes.set(address.subarray(0, 16), 28)
  bytes.set(peerAddress.subarray(0, 16), 44)
  bytes.writeUInt32LE(loopbackIndex, 60)
  // No cookie: we have not seen it before.
  bytes.fill(0xff, 64, 72)
  return bytes
}

/**
 * Where no connection fits, the kernel names who listens at that end: that one has not accepted
 * this.
 */
function readAnswer(bytes: Buffer, asked: TcpSocket, sequence: number): Found {
  if (bytes.length < netlink.headBytes + 4 || bytes.readUInt32LE(8) !== sequence) return undefined
  const [length, type] = [bytes.readUInt32LE(0), bytes.readUInt16LE(4)]
  if (type === types.error) return bytes.readInt32LE(16) === noSuchEntry ? "none" : undefined
  if (type !== types.sockDiagByFamily || length < holderBytes || bytes.length < holderBytes)
    return undefined
  if (bytes.readUInt8(17) === listens) return "none"
  const size = bytes.readUInt8(16) === families.ipv4 ? 4 : 16
  const isAsked =
    bytes.readUInt16BE(20) === asked.port &&
    bytes.readUInt16BE(22) === asked.peerPort &&
    isSame(bytes.subarray(24, 24 + size), asked.address) &&
    isSame(bytes.subarray(40, 40 + size), asked.peerAddress)
  return isAsked ? { uid: bytes.readUInt32LE(80), inode: bytes.readUInt32LE(84) } : undefined
}

/** A server that listens for both versions of IP has an IPv4 address in its IPv6 form. */
function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.from(inFull(one)).equals(inFull(other))
}

function inFull(address: Uint8Array): Uint8Array {
  return address.length === 4
    ? Buffer.concat([Buffer.alloc(10), Buffer.from([255, 255]), address])
    : address
}
