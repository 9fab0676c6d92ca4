import { expect, test } from "bun:test"
import { once } from "node:events"
import { type AddressInfo, type Server, type Socket, createServer } from "node:net"
import { Listeners } from "../../../../src/core/listeners.ts"
import { type Gate, gateFor } from "../../../../src/plugins/drivers/server/listener.ts"
import { openSocket } from "../../../../src/plugins/drivers/server/tls.ts"

/** Another user was seen to listen there before. */
const another = 4_294_000
const ourselves = process.geteuid?.() ?? 0

type Asked = AsyncDisposable & {
  readonly socket: Socket
  readonly gate: Gate | undefined
  readonly listeners: Listeners
  readonly address: string
}

/** A connection to a server that has answered. */
async function answered(act: (socket: Socket) => void): Promise<Asked> {
  const server: Server = createServer((socket) => {
    socket.on("error", () => undefined).write("an answer")
    act(socket)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  const address = `127.0.0.1:${port}`
  const listeners = new Listeners({ [address]: another })
  const signal = AbortSignal.timeout(10_000)
  const socket = await openSocket({ host: "127.0.0.1", port }, { label: "test", signal })
  await once(socket, "data")
  const demand = { label: "test", address, listener: undefined, listeners }
  const gate = await gateFor({ host: "127.0.0.1" }, demand)
  const stop = async (): Promise<void> => {
    socket.destroy()
    await gate?.[Symbol.asyncDispose]()
    server.close()
  }
  return { socket, gate, listeners, address, [Symbol.asyncDispose]: stop }
}

test("a server that hangs up after its answer: its user is unknown, and that is not called another listener", async () => {
  await using asked = await answered((socket) => void socket.destroySoon())
  const { socket, gate, listeners } = asked
  if (!socket.closed) await once(socket, "close")
  await expect(gate?.check(socket)).rejects.toMatchObject({ code: "unreachable" })
  expect(listeners.seen).toBeUndefined()
})

test.each(["stays", "is over"] as const)(
  "where our own end %s, the other one is known as long as it is there",
  async (end) => {
    await using asked = await answered(() => undefined)
    const { socket, gate, listeners, address } = asked
    if (end === "is over") {
      // The other end is told, and keeps its own open.
      socket.destroy()
      if (!socket.closed) await once(socket, "close")
    }
    await gate
      ?.check(socket)
      .catch((error: unknown) => expect(error).toMatchObject({ code: "unreachable" }))
    if (end === "stays") expect(listeners.seen).toEqual({ [address]: ourselves })
  },
)
