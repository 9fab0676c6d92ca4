import type { Socket } from "node:net"
import { AppError } from "../../../base/error.ts"
import { AbortBinding } from "./connection-pool.ts"
import { type Call, lost, timedOut, unreachable } from "./tls.ts"

/** How a protocol cuts the bytes that come into messages. An AppError ends the connection. */
export type MessageReader<Message> = {
  push(chunk: Buffer): void
  /** undefined while the next one is not there in full. */
  next(): Message | undefined
  /** Bytes that are not cut yet. */
  readonly rest: number
}

export type Protocol<Message> = {
  readonly reader: MessageReader<Message>
  /** Bytes that may come after something was sent, until something is sent again. */
  readonly longestAnswer: number
  /**
   * What a message means that arrives although nothing waits for one; left out, it is kept for the
   * next `receive`.
   */
  readonly unasked?: (message: Message) => AppError
}

export type Waiting<Message> = {
  readonly resolve: (message: Message) => void
  readonly reject: (error: AppError) => void
}

/** The messages of one socket. Once it has failed, ended or met its deadline, nothing works. */
export type Channel<Message> = {
  send(bytes: Uint8Array): void
  /** The next message, in order. */
  receive(): Promise<Message>
  /** The same, but `one` is told at once, before the next message is read. */
  await(one: Waiting<Message>): void
  /** Nobody waits, nothing is left to read, and the connection has not failed. */
  readonly idle: boolean
  /** It ends when `signal` aborts; without one it waits, and keeps no process alive. */
  bind(signal: AbortSignal | undefined): void
  /** The socket is used on inside TLS. Unread bytes that came in clear are dropped. */
  leave(): void
  end(error?: AppError): void
  readonly failure: AppError | undefined
}

/** Connections that we have ended for what the other end said: that is no server that hangs up. */
const brokenOff = new WeakSet<Socket>()

export function isBrokenOff(socket: Socket): boolean {
  return brokenOff.has(socket)
}

export function openChannel<Message>(
  socket: Socket,
  { label, signal }: Call,
  { reader, longestAnswer, unasked }: Protocol<Message>,
): Channel<Message> {
  const ready: Message[] = []
  const waiting: Waiting<Message>[] = []
  let failure: AppError | undefined
  /** Bytes since something was sent. */
  let arrived = 0

  const fail = (error: AppError): void => {
    failure ??= error
    attention.end()
    socket.destroy()
    for (const one of waiting.splice(0)) one.reject(failure)
  }
  const breakOff = (error: AppError): void => {
    brokenOff.add(socket)
    fail(error)
  }
  const attention = new AbortBinding(socket, () => fail(timedOut(label)))
  const onMessage = (message: Message): void => {
    const first = waiting.shift()
    if (first !== undefined) first.resolve(message)
    else if (unasked === undefined) ready.push(message)
    else breakOff(unasked(message))
  }
  const onData = (chunk: Buffer): void => {
    arrived += chunk.length
    if (arrived > longestAnswer) return breakOff(tooLarge().within(label))
    try {
      reader.push(chunk)
      for (let next = reader.next(); next !== undefined; next = reader.next()) onMessage(next)
    } catch (error) {
      breakOff(error instanceof AppError ? error.within(label) : unreachable(label, undefined))
    }
  }
  const onError = (error: unknown): void => fail(lost(label, error))
  const onClose = (): void => fail(unreachable(label, undefined))
  socket.on("data", onData).on("error", onError).on("close", onClose)
  attention.to(signal)
  if (socket.destroyed) onClose()

  const wait = (one: Waiting<Message>): void => {
    const [message] = ready.splice(0, 1)
    if (message !== undefined) one.resolve(message)
    else if (failure !== undefined) one.reject(failure)
    else waiting.push(one)
  }
  return {
    send: (bytes) => {
      arrived = 0
      if (failure === undefined) socket.write(bytes)
    },
    receive: () => new Promise((resolve, reject) => wait({ resolve, reject })),
    await: wait,
    get idle() {
      return (
        failure === undefined && waiting.length === 0 && ready.length === 0 && reader.rest === 0
      )
    },
    bind: (now) => attention.to(now),
    leave: () => {
      socket.off("data", onData).off("error", onError).off("close", onClose)
      attention.end()
    },
    end: (error) => fail(error ?? unreachable(label, undefined)),
    get failure() {
      return failure
    },
  }
}

export function tooLarge(): AppError {
  return new AppError("answer-too-large", "the server sends more than was asked for")
}

/** How long a server may take to hang up after the word that ends a session. */
const goodbyeMs = 1000

/**
 * Sends `last`, then waits until the server has hung up: its locks and its seat are free by then.
 */
export async function hangUp(
  socket: Socket,
  channel: Channel<unknown>,
  last: Uint8Array,
): Promise<void> {
  if (channel.failure !== undefined) return
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, goodbyeMs)
    socket.once("close", () => {
      clearTimeout(timer)
      resolve()
    })
    // Not end(): through TLS that would not wait for the other side.
    channel.send(last)
  })
  channel.end()
}
