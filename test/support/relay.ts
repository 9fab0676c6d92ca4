import { connect, createServer, type Socket } from "node:net"

/** Stands before a server on loopback and passes all bytes on, until a test says otherwise. */
export type Relay = AsyncDisposable & {
  readonly port: number
  /** New connections go there: a failover behind one address. */
  to(port: number): void
  /** What clients sent is shown to `agendaOf` before it is passed on. "lose": the server gets it, its reply is swallowed and the connection cut. */
  watch(look: (sent: string) => "pass" | "lose" | Promise<"pass" | "lose">): void
}

export async function startRelay(port: number): Promise<Relay> {
  let target = port
  let look: (sent: string) => "pass" | "lose" | Promise<"pass" | "lose"> = () => "pass"
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const behind = connect({ host: "127.0.0.1", port: target })
    let losing = false
    const end = (): void => (client.destroy(), behind.destroy(), undefined)
    for (const socket of [client, behind]) sockets.add(socket.on("error", end).on("close", end))
    let queue = Promise.resolve()
    client.on("data", (chunk: Buffer) => {
      queue = queue.then(async () => {
        losing ||= (await look(chunk.toString("latin1"))) === "lose"
        behind.write(chunk)
      })
    })
    behind.on("data", (chunk: Buffer) => (losing ? end() : void client.write(chunk)))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("no port")
  return {
    port: address.port,
    to: (other) => void (target = other),
    watch: (other) => void (look = other),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
