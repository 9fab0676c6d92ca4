import type { Socket } from "node:net"
import { AppError } from "../../../base/error.ts"
import { Attention } from "../server/standing.ts"
import { malformed, type Message } from "./message.ts"
import { timedOut, unreachable } from "./socket.ts"

/**
 * No message that we ask for comes near this; a server that sends more is not what we took it for.
 */
const largest = 1024 * 1024
/** What may wait unread. */
const mostWaiting = 4 * largest
/** How long a server may take to hang up after Terminate. */
const goodbyeMs = 1000

export interface Channel {
  send(bytes: Uint8Array): void
  /**
   * The next message, in order. Rejects once the connection has failed, ended or met its deadline;
   * for good.
   */
  receive(): Promise<Message>
  /**
   * Sends `last`, then waits until the server has hung up: its locks and its seat are free by then.
   */
  close(last: Uint8Array): Promise<void>
  destroy(): void
  /** Nothing is left to read, and the connection has not failed. */
  readonly quiet: boolean
  /**
   * The socket is destroyed when `signal` aborts; without one it waits, and keeps no process alive.
   */
  attend(signal: AbortSignal | undefined): void
}

/** Cuts a byte stream into messages. */
export function openChannel(socket: Socket, says: string, signal: AbortSignal): Channel {
  const ready: Message[] = []
  let waiting = 0
  let rest: Buffer = Buffer.alloc(0)
  let failure: AppError | undefined
  let wake: (() => void) | undefined

  const fail = (error: AppError): void => {
    failure ??= error
    attention.end()
    socket.destroy()
    wake?.()
  }
  const attention = new Attention(socket, () => fail(timedOut(says)))
  const onData = (chunk: Buffer): void => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    for (;;) {
      if (rest.length < 5) break
      const length = rest.readInt32BE(1)
      if (length < 4) return fail(malformed())
      if (length > largest || waiting > mostWaiting) return fail(tooLarge(says))
      if (rest.length < length + 1) break
      ready.push({ type: rest.toString("latin1", 0, 1), body: rest.subarray(5, length + 1) })
      waiting += length
      rest = rest.subarray(length + 1)
    }
    wake?.()
  }

  socket.on("data", onData)
  socket.on("error", (error) => fail(unreachable(says, error)))
  socket.on("close", () => fail(unreachable(says, undefined)))
  attention.to(signal)
  if (socket.destroyed) fail(unreachable(says, undefined))

  return {
    send: (bytes) => void socket.write(bytes),
    receive: async () => {
      for (;;) {
        const message = ready.shift()
        if (message !== undefined) {
          waiting -= message.body.length + 4
          return message
        }
        if (failure !== undefined) throw failure
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
    close: async (last) => {
      if (failure !== undefined) return
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, goodbyeMs)
        socket.once("close", () => {
          clearTimeout(timer)
          resolve()
        })
        // Not end(): through TLS that would not wait for the other side.
        socket.write(last)
      })
      fail(unreachable(says, undefined))
    },
    destroy: () => fail(unreachable(says, undefined)),
    get quiet() {
      return failure === undefined && ready.length === 0 && rest.length === 0
    },
    attend: (now) => attention.to(now),
  }
}

export function tooLarge(says: string): AppError {
  return new AppError("answer-too-large", `${says}: the server sends more than was asked for`)
}
