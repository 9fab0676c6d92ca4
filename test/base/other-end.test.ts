import { describe, expect, test } from "bun:test"
import { connect, createServer, type Server, type Socket } from "node:net"
import { otherEnd } from "../../src/base/other-end.ts"
import { until } from "../support/until.ts"

const own = process.geteuid?.() ?? 0
const initial = "         0          0 4294967295\n"

/** Tables as the kernel writes them: local, remote, state, queues, timer, retransmits, uid, timeout, inode. */
function tables(
  rows: Readonly<Record<string, string>>,
  uidMap = initial,
): (path: string) => string {
  return (path) =>
    path === "/proc/self/uid_map"
      ? uidMap
      : `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n${rows[path] ?? ""}`
}
const row = (local: string, remote: string, uid: number, inode: number): string =>
  `  70: ${local} ${remote} 01 00000000:00000000 00:00000000 00000000  ${uid}        0 ${inode} 2 000000005bd0a1b2 20 0 0 11 -1\n`
const v4 = {
  localAddress: "127.0.0.1",
  localPort: 40_000,
  remoteAddress: "127.0.0.1",
  remotePort: 6379,
}
const [us, them] = ["0100007F:9C40", "0100007F:18EB"]

describe("the other end of a connection", () => {
  test.each([
    ["who accepted it", { "/proc/net/tcp": row(us, them, 0, 7) + row(them, us, 105, 8) }, 105],
    [
      "a server that listens for both versions of IP",
      {
        "/proc/net/tcp": row(us, them, 0, 7),
        "/proc/net/tcp6": row(
          `0000000000000000FFFF0000${them}`,
          `0000000000000000FFFF0000${us}`,
          105,
          8,
        ),
      },
      105,
    ],
    [
      "nobody yet: uid 0 without an inode is not root",
      { "/proc/net/tcp": row(us, them, 0, 7) + row(them, us, 0, 0) },
      "waiting",
    ],
    ["a redirected port: our end only", { "/proc/net/tcp": row(us, them, 0, 7) }, "hidden"],
    ["no table at all", {}, "hidden"],
    [
      "another connection from that port",
      { "/proc/net/tcp": row(them, "0100007F:9C41", 105, 8) },
      "hidden",
    ],
  ] as const)("%s", (_, rows, owner) => {
    expect(otherEnd(v4, tables(rows))).toBe(owner)
  })

  test("an IPv6 loopback is written as words in the machine's order", () => {
    const [from, to] = [
      "00000000000000000000000001000000:9C40",
      "00000000000000000000000001000000:18EB",
    ]
    expect(
      otherEnd(
        { ...v4, localAddress: "::1", remoteAddress: "::1" },
        tables({ "/proc/net/tcp6": row(to, from, 105, 8) }),
      ),
    ).toBe(105)
  })

  test("the number of those without one says nothing in a user namespace, and is an account's outside", () => {
    const rows = { "/proc/net/tcp": row(them, us, 65_534, 8) }
    expect(otherEnd(v4, tables(rows))).toBe(65_534)
    expect(otherEnd(v4, tables(rows, "         0       1000          1\n"))).toBe("hidden")
    expect(
      otherEnd(
        v4,
        tables({ "/proc/net/tcp": row(them, us, 105, 8) }, "         0       1000          1\n"),
      ),
    ).toBe(105)
  })

  test("an end that is gone is nobody's", () => {
    expect(
      otherEnd(
        { ...v4, localAddress: undefined },
        tables({ "/proc/net/tcp": row(them, us, 105, 8) }),
      ),
    ).toBe("hidden")
  })

  test.each(["127.0.0.1", "::1"])(
    "of a real connection over %s, once it was answered",
    async (host) => {
      const { server, port } = await listening(host, (socket) => void socket.write("hello"))
      const socket = connect({ host, port })
      let heard = false
      socket.on("data", () => (heard = true))
      await until("it answers", () => heard)
      expect(otherEnd(socket)).toBe(own)
      socket.destroy()
      server.close()
    },
  )
})

function listening(
  host: string,
  talk: (socket: Socket) => void,
): Promise<{ readonly server: Server; readonly port: number }> {
  return new Promise((resolve) => {
    const server = createServer(talk).listen(0, host, () => {
      const address = server.address()
      resolve({ server, port: typeof address === "object" && address !== null ? address.port : 0 })
    })
  })
}
