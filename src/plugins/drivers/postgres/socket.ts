import type { Socket } from "node:net"
import { AppError } from "../../../base/error.ts"
import { type MessageReader, openChannel } from "../server/channel.ts"
import { dial, type Endpoint } from "../server/endpoint.ts"
import type { Gate } from "../server/listener.ts"
import { type Call, upgrade } from "../server/tls.ts"
import { sslRequest } from "./message.ts"

/**
 * A connection on which no PostgreSQL was spoken yet; verified TLS where it is demanded.
 * Destroyed when the call's signal aborts.
 */
export async function openSocket(
  { address, tls }: Endpoint,
  call: Call,
  gate?: Gate,
): Promise<Socket> {
  const socket = await dial(address, gate, call)
  if (tls === undefined) return socket
  try {
    await askForTls(socket, call)
    return await upgrade(socket, tls, call)
  } catch (error) {
    socket.destroy()
    throw error
  }
}

/**
 * One byte, S or N, in clear. More is refused: it was put there to be taken for what came
 * through TLS (CVE-2021-23222).
 */
async function askForTls(socket: Socket, call: Call): Promise<void> {
  const channel = openChannel(socket, call, { reader: new Chunks(), longestAnswer: 65_536 })
  channel.send(sslRequest)
  const answer = await channel.receive()
  channel.leave()
  if (answer.length === 1 && answer[0] === 0x53) return
  throw new AppError("tls-not-offered", `${call.label}: the server offers no TLS`, {
    hint:
      'set "ssl = on" and a certificate at the server; only if the traffic cannot be read on the way: ' +
      "insecure: true",
  })
}

/** What comes in one piece. */
class Chunks implements MessageReader<Buffer> {
  readonly rest = 0
  readonly #chunks: Buffer[] = []

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
  }

  next(): Buffer | undefined {
    return this.#chunks.shift()
  }
}
