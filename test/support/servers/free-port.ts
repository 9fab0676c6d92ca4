import { randomInt } from "node:crypto"
import { createServer } from "node:net"

/**
 * A port of loopback that no program listens on. Below the range from which the system serves outgoing
 * connections: there, a client could be given the port of a server that a test has stopped for a
 * moment, or even connect to itself.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(12_000, 32_000)
    if (await isFree(port)) return port
  }
  throw new Error("no free port found")
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once("error", () => resolve(false))
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () =>
      server.close(() => resolve(true)),
    )
  })
}
