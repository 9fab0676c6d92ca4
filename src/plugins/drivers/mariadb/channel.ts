import type { Socket } from "node:net"
import { AppError } from "../../../base/error.ts"
import { timedOut, unreachable } from "../server/tls.ts"
import { encodePacket, type Packet, PacketReader } from "./packets.ts"

/** Packets of one socket. Once it has failed, ended or met its deadline, every read fails. */
export type Channel = {
  read(): Promise<Packet>
  write(packet: Packet): void
  /**
   * The socket goes on without us: inside TLS. What came in clear and was not read yet is dropped.
   */
  leave(): void
  end(): void
}

/** Bytes of one answer, rows and all: those of thousands of sessions come nowhere near. */
const longestAnswer = 16 * 1024 * 1024

export function openChannel(socket: Socket, says: string, signal: AbortSignal): Channel {
  const reader = new PacketReader()
  const ready: Packet[] = []
  let failure: AppError | undefined
  /** Bytes since we said something. */
  let arrived = 0
  let waiting:
    | { readonly resolve: (packet: Packet) => void; readonly reject: (error: AppError) => void }
    | undefined

  const fail = (error: AppError): void => {
    failure ??= error
    signal.removeEventListener("abort", onAbort)
    socket.destroy()
    waiting?.reject(failure)
    waiting = undefined
  }
  const onAbort = (): void => fail(timedOut(says))
  const onData = (chunk: Buffer): void => {
    arrived += chunk.length
    if (arrived > longestAnswer)
      return fail(
        new AppError("answer-too-large", `${says}: the server sends more than was asked for`),
      )
    try {
      reader.push(chunk)
      for (let packet = reader.next(); packet !== undefined; packet = reader.next())
        ready.push(packet)
    } catch (error) {
      return fail(error instanceof AppError ? error.within(says) : unreachable(says, undefined))
    }
    const packet = waiting === undefined ? undefined : ready.shift()
    if (packet === undefined) return
    waiting?.resolve(packet)
    waiting = undefined
  }
  const onError = (error: unknown): void => fail(unreachable(says, error))
  const onClose = (): void => fail(unreachable(says, undefined))
  socket.on("data", onData).on("error", onError).on("close", onClose)
  signal.addEventListener("abort", onAbort)
  if (signal.aborted) onAbort()
  if (socket.destroyed) onClose()

  return {
    read: () =>
      new Promise((resolve, reject) => {
        const packet = ready.shift()
        if (packet !== undefined) return resolve(packet)
        if (failure !== undefined) return reject(failure)
        waiting = { resolve, reject }
      }),
    write: (packet) => {
      arrived = 0
      if (failure === undefined) socket.write(encodePacket(packet))
    },
    leave: () => {
      socket.off("data", onData).off("error", onError).off("close", onClose)
      signal.removeEventListener("abort", onAbort)
    },
    end: onClose,
  }
}
