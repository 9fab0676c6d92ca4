import { type Socket, connect, createServer } from "node:net"

/**
 * A login that the server has begun by the password of now, and whose client says its last word
 * only when it is told to.
 */
export type PausedLogin = AsyncDisposable & {
  /** Goes on, and answers how it ended. */
  finish(): Promise<"in" | "refused">
  /** Is the session that it led to still open? */
  lives(): boolean
}

/** Resolves once the server has sent its challenge, so has read what it knows of the password. */
export async function pausedLogin(
  port: number,
  user: string,
  password: string,
): Promise<PausedLogin> {
  const ended = Promise.withResolvers<"refused">()
  const held = Promise.withResolvers<() => void>()
  const sockets = new Set<Socket>()
  const relay = createServer((client) => {
    // A client that has lost its session logs in anew by itself.
    if (sockets.size > 0) {
      client.destroy()
      return
    }
    const server = connect({ host: "127.0.0.1", port })
    for (const one of [client, server]) {
      sockets.add(one)
      one
        .on("error", () => undefined)
        .on("close", () => {
          client.destroy()
          server.destroy()
          ended.resolve("refused")
        })
    }
    server.on("data", (chunk) => void client.write(chunk))
    let answers = 0
    client.on("data", (chunk) => {
      // SASLInitialResponse and SASLResponse are of one kind: the second is the proof.
      if (chunk[0] === "p".charCodeAt(0) && ++answers === 2)
        held.resolve(() => void server.write(chunk))
      else server.write(chunk)
    })
  })
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve))
  const address = relay.address()
  if (address === null || typeof address === "string") throw new Error("no port")
  const client = new Bun.SQL({
    adapter: "postgres",
    hostname: "127.0.0.1",
    port: address.port,
    database: "postgres",
    username: user,
    password,
    max: 1,
    connectionTimeout: 20,
  })
  const asked = client.unsafe("select 1").then(
    () => "in" as const,
    () => "refused" as const,
  )
  const release = await held.promise
  return {
    finish: () => {
      release()
      return Promise.race([asked, ended.promise])
    },
    lives: () => [...sockets].every((socket) => !socket.destroyed),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      relay.close()
      await client.close({ timeout: 0 }).catch(() => undefined)
    },
  }
}
