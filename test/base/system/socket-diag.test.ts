import { describe, expect, test } from "bun:test"
import { finderBy, socketFinder, type TcpSocket } from "../../../src/base/system/socket-diag.ts"

/**
 * What the kernel may say to a question about one socket; what comes from elsewhere, or is cut off,
 * is never taken for an answer.
 */

const v4: TcpSocket = {
  address: Buffer.from([127, 0, 0, 1]),
  port: 6379,
  peerAddress: Buffer.from([127, 0, 0, 1]),
  peerPort: 40_000,
}
const loopback6 = Buffer.concat([Buffer.alloc(15), Buffer.from([1])])
const v6: TcpSocket = { ...v4, address: loopback6, peerAddress: loopback6 }
const mapped = (address: Uint8Array): Buffer =>
  Buffer.concat([Buffer.alloc(10), Buffer.from([255, 255]), address])

type Said = Partial<TcpSocket> & {
  readonly state?: number
  readonly sequence?: number
  readonly type?: number
  readonly length?: number
  readonly uid?: number
  readonly inode?: number
}

/** nlmsghdr, inet_diag_msg, and an attribute that is not read. */
function answer(asked: Buffer, said: Said = {}): Buffer {
  const socket = { ...(asked[16] === 10 ? v6 : v4), ...said }
  const bytes = Buffer.alloc(96)
  bytes.writeUInt32LE(said.length ?? bytes.length, 0)
  bytes.writeUInt16LE(said.type ?? 20, 4)
  bytes.writeUInt32LE(said.sequence ?? asked.readUInt32LE(8), 8)
  bytes[16] = socket.address.length === 4 ? 2 : 10
  bytes[17] = said.state ?? 1
  bytes.writeUInt16BE(socket.port, 20)
  bytes.writeUInt16BE(socket.peerPort, 22)
  bytes.set(socket.address, 24)
  bytes.set(socket.peerAddress, 40)
  bytes.writeUInt32LE(said.uid ?? 105, 80)
  bytes.writeUInt32LE(said.inode ?? 8, 84)
  return bytes
}
function failure(asked: Buffer, code: number): Buffer {
  const bytes = answer(asked, { type: 2 }).subarray(0, 36)
  bytes.writeInt32LE(-code, 16)
  return bytes
}
const holder = { uid: 105, inode: 8 }

describe("an answer about one socket", () => {
  test.each([
    ["the socket", v4, (asked: Buffer) => answer(asked), holder],
    ["the socket, IPv6", v6, (asked: Buffer) => answer(asked), holder],
    [
      "of a server that listens for both versions of IP",
      v4,
      (asked: Buffer) =>
        answer(asked, { address: mapped(v4.address), peerAddress: mapped(v4.peerAddress) }),
      holder,
    ],
    [
      "the largest numbers",
      v4,
      (asked: Buffer) => answer(asked, { uid: 4_294_967_294, inode: 4_294_967_295 }),
      { uid: 4_294_967_294, inode: 4_294_967_295 },
    ],
    [
      "who listens there, where no connection fits",
      v4,
      (asked: Buffer) => answer(asked, { state: 10, peerAddress: Buffer.alloc(4), peerPort: 0 }),
      "none",
    ],
    ["no such socket", v4, (asked: Buffer) => failure(asked, 2), "none"],
    ["not allowed", v4, (asked: Buffer) => failure(asked, 1), undefined],
    ["not known", v4, (asked: Buffer) => failure(asked, 22), undefined],
    ["no failure", v4, (asked: Buffer) => failure(asked, 0), undefined],
    ["nothing", v4, () => undefined, undefined],
    [
      "another question's",
      v4,
      (asked: Buffer) => answer(asked, { sequence: asked.readUInt32LE(8) + 1 }),
      undefined,
    ],
    [
      "another question's failure",
      v4,
      (asked: Buffer) => failure(Buffer.from(asked).fill(9, 8, 12), 2),
      undefined,
    ],
    ["another kind of message", v4, (asked: Buffer) => answer(asked, { type: 3 }), undefined],
    ["another port", v4, (asked: Buffer) => answer(asked, { port: 6380 }), undefined],
    [
      "another port of its peer",
      v4,
      (asked: Buffer) => answer(asked, { peerPort: 40_001 }),
      undefined,
    ],
    [
      "another address",
      v4,
      (asked: Buffer) => answer(asked, { address: Buffer.from([127, 0, 0, 2]) }),
      undefined,
    ],
    [
      "another address of its peer",
      v4,
      (asked: Buffer) => answer(asked, { peerAddress: Buffer.from([127, 0, 0, 2]) }),
      undefined,
    ],
    [
      "an IPv6 address that only begins alike",
      v4,
      (asked: Buffer) =>
        answer(asked, {
          address: Buffer.concat([v4.address, Buffer.alloc(12)]),
          peerAddress: mapped(v4.peerAddress),
        }),
      undefined,
    ],
    [
      "a length that is too small for it",
      v4,
      (asked: Buffer) => answer(asked, { length: 87 }),
      undefined,
    ],
  ] as const)("%s", (_, socket, message, found) => {
    expect(finderBy(message)(socket)).toEqual(found)
  })

  test("one that is cut off anywhere is none", () => {
    for (let length = 0; length < 88; length++)
      expect({ length, found: finderBy((asked) => answer(asked).subarray(0, length))(v4) }).toEqual(
        { length, found: undefined },
      )
    for (let length = 0; length < 20; length++)
      expect({
        length,
        found: finderBy((asked) => failure(asked, 2).subarray(0, length))(v4),
      }).toEqual({ length, found: undefined })
    expect(finderBy((asked) => answer(asked).subarray(0, 88))(v4)).toEqual(holder)
  })

  test("one that was seen before is none: each question has a number of its own", () => {
    let first: Buffer | undefined
    const find = finderBy((asked) => (first ??= answer(asked)))
    expect([find(v4), find(v4)]).toEqual([holder, undefined])
  })

  test("both ends are named in full, in the network's order", () => {
    let question = Buffer.alloc(0)
    finderBy((asked) => void (question = Buffer.from(asked)))({
      ...v4,
      peerAddress: Buffer.from([127, 1, 2, 3]),
    })
    expect(question.readUInt32LE(0)).toBe(question.length)
    // TCP over IPv4; our ports; our addresses, padded; the loopback; no cookie.
    expect(question.subarray(16).toString("hex")).toBe(
      `02060000ffffffff18eb9c40${"7f000001".padEnd(32, "0")}${"7f010203".padEnd(32, "0")}01000000ffffffffffffffff`,
    )
  })

  test("the kernel of this machine finds no socket that is not there", async () => {
    const find = await socketFinder()
    expect(find?.({ ...v4, port: 1, peerPort: 1 })).toBe("none")
  })
})
