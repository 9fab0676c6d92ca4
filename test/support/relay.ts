import { connect, createServer, type Socket } from "node:net"

/** Stands before a server on loopback and passes all bytes on, until a test says otherwise. */
export type Relay = AsyncDisposable & {
  readonly port: number
  /** New connections go there: a failover behind one address. */
  to(port: number): void
  /**
   * What clients sent is shown to `look` before it is passed on. "lose": the server gets it, its
   * reply is swallowed and the connection cut. "ask": its reply waits until `answered` is done.
   */
  watch(look: Look, answered?: () => Promise<void>): void
}
type Verdict = "pass" | "lose" | "ask"
type Look = (sent: string) => Verdict | Promise<Verdict>

export async function startRelay(port: number): Promise<Relay> {
  let target = port
  let look: Look = () => "pass"
  let answered = (): Promise<void> => Promise.resolve()
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const behind = connect({ host: "127.0.0.1", port: target })
    let [losing, asking] = [false, false]
    const end = (): void => (client.destroy(), behind.destroy(), undefined)
    for (const socket of [client, behind]) sockets.add(socket.on("error", end))
    client.on("close", end)
    let queue = Promise.resolve()
    client.on("data", (chunk: Buffer) => {
      queue = queue.then(async () => {
        const verdict = await look(chunk.toString("latin1"))
        losing ||= verdict === "lose"
        asking ||= verdict === "ask"
        behind.write(chunk)
      })
    })
    let replies = Promise.resolve()
    behind.on("data", (chunk: Buffer) => {
      if (losing) return end()
      replies = replies.then(async () => {
        if (asking) await answered()
        asking = false
        client.write(chunk)
      })
    })
    // What the server said before it left is still said.
    behind.on("close", () => (replies = replies.then(() => client.destroySoon())))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("no port")
  return {
    port: address.port,
    to: (other) => void (target = other),
    watch: (other, then = () => Promise.resolve()) => void ([look, answered] = [other, then]),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
