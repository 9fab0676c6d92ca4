import { describe, expect, test } from "bun:test"
import { readFileSync, readdirSync } from "node:fs"
import { connect, createServer, type Server, type Socket } from "node:net"
import { type Kernel, otherEnd, thisKernel } from "../../../src/base/system/other-end.ts"
import type { FindSocket } from "../../../src/base/system/socket-diag.ts"
import { hasNoNewCode, noNewCode } from "../../support/datagrams.ts"
import { bun, source } from "../../support/running.ts"
import { until } from "../../support/until.ts"

const own = process.geteuid?.() ?? 0
const initial = "         0          0 4294967295\n"

/**
 * Tables as the kernel writes them: local, remote, state, queues, timer, retransmits, uid, timeout,
 * inode.
 */
function tables(
  rows: Readonly<Record<string, string>>,
  uidMap = initial,
  find?: FindSocket,
): Kernel {
  const read = (path: string): string =>
    path === "/proc/self/uid_map"
      ? uidMap
      : "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  " +
        "timeout inode\n" +
        `${rows[path] ?? ""}`
  return { find, read }
}
const row = (local: string, remote: string, uid: number, inode: number): string =>
  `  70: ${local} ${remote} 01 00000000:00000000 00:00000000 00000000  ${uid}        0 ` +
  `${inode} 2 000000005bd0a1b2 20 0 0 11 -1\n`
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
    ["a redirected port: our end only", { "/proc/net/tcp": row(us, them, 0, 7) }, "unseen"],
    ["no table at all", {}, "unseen"],
    [
      "another connection from that port",
      { "/proc/net/tcp": row(them, "0100007F:9C41", 105, 8) },
      "unseen",
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
    ).toBe("unseen")
  })

  describe("where the kernel finds one socket", () => {
    const accepted = { uid: 105, inode: 8 }
    const ours = { uid: own, inode: 7 }
    const finds =
      (other: ReturnType<FindSocket>, mine: ReturnType<FindSocket>): FindSocket =>
      ({ port }) =>
        port === v4.remotePort ? other : mine
    const listed = { "/proc/net/tcp": row(them, us, 106, 9) }

    test.each([
      ["no table is read", finds(accepted, ours), listed, 105],
      ["nobody has accepted it", finds({ uid: 0, inode: 0 }, ours), listed, "waiting"],
      ["one that answers nothing leaves it to the tables", finds(undefined, ours), listed, 106],
      [
        "one that finds nothing, too: a server may be bound to another device",
        finds("none", ours),
        listed,
        106,
      ],
      [
        "our end is here, the other is not: no further look shows it",
        finds("none", ours),
        {},
        "hidden",
      ],
      ["one that does not even find our end knows nothing", finds("none", "none"), {}, "unseen"],
      ["one that answers nothing about our end, either", finds("none", undefined), {}, "unseen"],
    ] as const)("%s", (_, find, rows, owner) => {
      expect(otherEnd(v4, tables(rows, initial, find))).toBe(owner)
    })

    test("a uid without a number in our user namespace is nobody's", () => {
      const find = finds({ uid: 65_534, inode: 8 }, ours)
      expect([
        otherEnd(v4, tables({}, initial, find)),
        otherEnd(v4, tables({}, "         0       1000          1\n", find)),
      ]).toEqual([65_534, "hidden"])
    })
  })
})

/** Where a server listens, and where to reach it. */
const ways = [
  ["127.0.0.1", "127.0.0.1"],
  ["0.0.0.0", "127.0.0.1"],
  ["::1", "::1"],
  ["::", "127.0.0.1"],
  ["::", "::1"],
] as const

/**
 * By the one socket, and by the tables. Where the first cannot be had the second says nothing of
 * it: so it is demanded.
 */
async function bothWays(socket: Socket): Promise<readonly ReturnType<typeof otherEnd>[]> {
  const { find, read } = await thisKernel()
  if (find === undefined) throw new Error("the kernel is not asked for one socket")
  const tablesRead: string[] = []
  const noTable = (path: string): string => {
    if (path !== "/proc/self/uid_map") tablesRead.push(path)
    return read(path)
  }
  const seen = [
    otherEnd(socket, { find, read: noTable }),
    otherEnd(socket, { find: undefined, read }),
  ]
  expect(tablesRead).toEqual([])
  return seen
}

describe.each(ways)("of a real connection, the server at %s, reached at %s", (at, host) => {
  test("who has accepted it, once it was answered; nobody, once they have let go of it", async () => {
    const accepted: Socket[] = []
    const { server, port } = await listening(at, (socket) => {
      accepted.push(socket)
      socket.write("hello")
    })
    const socket = await answered(host, port)
    expect(await bothWays(socket)).toEqual([own, own])
    for (const one of accepted) one.destroy()
    await new Promise((resolve) => void socket.once("end", resolve).resume())
    expect(await bothWays(socket)).toEqual(["waiting", "waiting"])
    socket.destroy()
    server.close()
  })

  test("nobody, as long as it waits to be accepted", async () => {
    await using server = await serverOf(own, at)
    server.pause()
    const socket = await connected(host, server.port)
    expect(await bothWays(socket)).toEqual(["waiting", "waiting"])
    const hello = new Promise((resolve) => socket.once("data", resolve))
    server.goOn()
    await hello
    expect(await bothWays(socket)).toEqual([own, own])
    socket.destroy()
  })

  // The second is an account of this machine and the number of those without one.
  test.skipIf(own !== 0).each([1, 65_534])(
    `another user's (uid %i)${own === 0 ? "" : " (skipped: only root can run a program as another user)"}`,
    async (uid) => {
      await using server = await serverOf(uid, at)
      const socket = await answered(host, server.port)
      expect(await bothWays(socket)).toEqual([uid, uid])
      socket.destroy()
    },
  )
})

test("many at once are not mistaken for one another, and leave no file open", async () => {
  await using other = await serverOf(own === 0 ? 1 : own, "::")
  const { server, port } = await listening("::", (socket) => void socket.write("hello"))
  const sockets = await Promise.all(
    Array.from({ length: 40 }, (_, index) =>
      answered(index % 2 === 0 ? "127.0.0.1" : "::1", index % 4 < 2 ? port : other.port),
    ),
  )
  const files = openFiles()
  const seen = await Promise.all(sockets.map(bothWays))
  const expected = sockets.map((_, index) => (index % 4 < 2 || own !== 0 ? own : 1))
  expect(seen).toEqual(expected.map((uid) => [uid, uid]))
  expect(openFiles()).toBe(files)
  for (const socket of sockets) socket.destroy()
  server.close()
})

test.skipIf(!hasNoNewCode)(
  `where no new code may be made, the tables tell${hasNoNewCode ? "" : " (skipped: the kernel knows no PR_SET_MDWE)"}`,
  async () => {
    const { server, port } = await listening("127.0.0.1", (socket) => void socket.write("hello"))
    const script = `
    const { otherEnd, thisKernel } = await import("${source}base/system/other-end.ts")
    const socket = (await import("node:net")).connect({ host: "127.0.0.1", port: ${port} })
    socket.once("data", async () => {
      const kernel = await thisKernel()
      console.log(kernel.find === undefined, otherEnd(socket, kernel))
      socket.destroy()
    })`
    const ran = Bun.spawn([...noNewCode, bun, "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    })
    expect((await ran.stdout.text()).trim()).toBe(`true ${own}`)
    server.close()
  },
)

function openFiles(): number {
  return readdirSync("/proc/self/fd").length
}

/** A connection that has not been answered, for the server may not have accepted it. */
function connected(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port })
      .once("error", reject)
      .once("connect", () => resolve(socket))
  })
}

async function answered(host: string, port: number): Promise<Socket> {
  // Half open: its own end stays when the server is gone.
  const socket = connect({ host, port, allowHalfOpen: true })
  await new Promise((resolve, reject) => void socket.once("error", reject).once("data", resolve))
  return socket
}

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

type Other = AsyncDisposable & { readonly port: number; pause(): void; goOn(): void }

/**
 * A server of its own, as a user of its own. While it is paused the kernel takes connections that
 * nobody accepts.
 */
async function serverOf(uid: number, host: string): Promise<Other> {
  const script = `
    if (${uid} !== process.getuid()) {
      process.setgid(${uid})
      process.setuid(${uid})
    }
    const server = require("node:net").createServer((socket) => socket.on("error", () => {}).write("hello"))
    server.listen(0, "${host}", () => console.log("port " + server.address().port))`
  const child = Bun.spawn([bun, "-e", script], { stdio: ["ignore", "pipe", "inherit"] })
  let said = ""
  const reading = (async () => {
    for await (const chunk of child.stdout) said += new TextDecoder().decode(chunk)
  })()
  await until("it listens", () => /port \d+\n/.test(said))
  const stopped = (): boolean =>
    /^State:\s+T/m.test(readFileSync(`/proc/${child.pid}/status`, "latin1"))
  return {
    port: Number(/port (\d+)/.exec(said)?.[1]),
    pause: () => {
      child.kill("SIGSTOP")
      while (!stopped());
    },
    goOn: () => child.kill("SIGCONT"),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL")
      await child.exited
      await reading
    },
  }
}
