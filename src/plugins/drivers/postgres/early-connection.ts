import type { Socket } from "node:net"
import type { Endpoint } from "../server/endpoint.ts"
import type { Gate } from "../server/listener.ts"
import type { Call } from "../server/tls.ts"
import { openSocket } from "./socket.ts"

/** A connection on which no PostgreSQL was spoken yet, and the gate that was opened before it. */
export type Opened = { readonly socket: Socket; readonly gate: Gate | undefined }

export async function openAt(endpoint: Endpoint, call: Call): Promise<Opened> {
  const gate = await endpoint.gate?.(call.label)
  try {
    return { socket: await openSocket(endpoint, call, gate), gate }
  } catch (error) {
    await gate?.[Symbol.asyncDispose]()
    throw error
  }
}

/** How long (ms) one waits for its login; a server waits a minute for it (authentication_timeout). */
const waitMs = 20_000

/**
 * Programs are locked out from ALTER ROLE until they restart, and the login that proves the new value
 * stands between the two. So its connection is made before, and its TLS: the first word of the login
 * goes out once the change is answered. It takes no seat from a program: a server gives that with
 * the first word.
 */
export class EarlyConnection {
  #opening: Promise<Opened | undefined> = Promise.resolve(undefined)
  #label = ""
  #timer: ReturnType<typeof setTimeout> | undefined

  /** Never throws: without one, the login makes its own connection, and says what is wrong. */
  begin(endpoint: () => Promise<Endpoint>, { label, signal }: Call): void {
    this.drop()
    this.#label = label
    this.#timer = setTimeout(() => this.drop(), waitMs)
    this.#timer.unref()
    this.#opening = endpoint()
      .then((at) => openAt(at, { label, signal }))
      .then(
        (opened) => {
          // Whoever takes it holds it again.
          opened.socket.unref()
          return opened
        },
        () => undefined,
      )
  }

  /** The caller's from now on; undefined where there is none, or it has ended. */
  async take(label: string): Promise<Opened | undefined> {
    if (label !== this.#label) return undefined
    const opened = await this.#forget()
    if (opened === undefined || isOpen(opened.socket)) return opened
    await close(opened)
    return undefined
  }

  drop(): void {
    void this.#forget().then((opened) => opened && close(opened))
  }

  #forget(): Promise<Opened | undefined> {
    clearTimeout(this.#timer)
    const opening = this.#opening
    this.#opening = Promise.resolve(undefined)
    this.#label = ""
    return opening
  }
}

function isOpen(socket: Socket): boolean {
  return !socket.destroyed && socket.readyState === "open"
}

async function close({ socket, gate }: Opened): Promise<void> {
  socket.destroy()
  await gate?.[Symbol.asyncDispose]()
}
