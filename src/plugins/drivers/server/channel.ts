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
  /** Nothing is waited for, nothing is left to read, and the connection has not failed. */
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
  call: Call,
  protocol: Protocol<Message>,
): Channel<Message> {
  return new SocketChannel(socket, call, protocol)
}

class SocketChannel<Message> implements Channel<Message> {
  readonly #socket: Socket
  readonly #label: string
  readonly #protocol: Protocol<Message>
  readonly #abort: AbortBinding
  readonly #ready: Message[] = []
  readonly #waiting: Waiting<Message>[] = []
  #failure: AppError | undefined
  /** Bytes since something was sent. */
  #arrived = 0

  constructor(socket: Socket, { label, signal }: Call, protocol: Protocol<Message>) {
    this.#socket = socket
    this.#label = label
    this.#protocol = protocol
    this.#abort = new AbortBinding(socket, () => this.#fail(timedOut(label)))
    socket.on("data", this.#onData).on("error", this.#onError).on("close", this.#onClose)
    this.#abort.to(signal)
    if (socket.destroyed) this.#onClose()
  }

  send(bytes: Uint8Array): void {
    this.#arrived = 0
    if (this.#failure === undefined) this.#socket.write(bytes)
  }

  receive(): Promise<Message> {
    return new Promise((resolve, reject) => this.await({ resolve, reject }))
  }

  await(one: Waiting<Message>): void {
    const [message] = this.#ready.splice(0, 1)
    if (message !== undefined) one.resolve(message)
    else if (this.#failure !== undefined) one.reject(this.#failure)
    else this.#waiting.push(one)
  }

  get idle(): boolean {
    const isQuiet = this.#waiting.length === 0 && this.#ready.length === 0
    return this.#failure === undefined && isQuiet && this.#protocol.reader.rest === 0
  }

  bind(signal: AbortSignal | undefined): void {
    this.#abort.to(signal)
  }

  leave(): void {
    this.#socket.off("data", this.#onData).off("error", this.#onError).off("close", this.#onClose)
    this.#abort.end()
  }

  end(error = unreachable(this.#label, undefined)): void {
    this.#fail(error)
  }

  get failure(): AppError | undefined {
    return this.#failure
  }

  #fail(error: AppError): void {
    this.#failure ??= error
    this.#abort.end()
    this.#socket.destroy()
    for (const one of this.#waiting.splice(0)) one.reject(this.#failure)
  }

  #breakOff(error: AppError): void {
    brokenOff.add(this.#socket)
    this.#fail(error)
  }

  #onMessage(message: Message): void {
    const { unasked } = this.#protocol
    const first = this.#waiting.shift()
    if (first !== undefined) first.resolve(message)
    else if (unasked === undefined) this.#ready.push(message)
    else this.#breakOff(unasked(message))
  }

  readonly #onData = (chunk: Buffer): void => {
    const { reader, longestAnswer } = this.#protocol
    this.#arrived += chunk.length
    if (this.#arrived > longestAnswer) return this.#breakOff(tooLarge().within(this.#label))
    try {
      reader.push(chunk)
      for (let next = reader.next(); next !== undefined; next = reader.next()) this.#onMessage(next)
    } catch (error) {
      this.#breakOff(
        error instanceof AppError ? error.within(this.#label) : unreachable(this.#label, undefined),
      )
    }
  }

  readonly #onError = (error: unknown): void => this.#fail(lost(this.#label, error))
  readonly #onClose = (): void => this.#fail(unreachable(this.#label, undefined))
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
