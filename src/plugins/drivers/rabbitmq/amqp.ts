import type { Socket } from "node:net"
import { AppError } from "../../../base/error.ts"
import type { Secret } from "../../../core/secret.ts"
import { sayAddress } from "../server/address.ts"
import { type Channel, openChannel } from "../server/channel.ts"
import { dial, type Endpoint } from "../server/endpoint.ts"
import { upgrade } from "../server/tls.ts"
import {
  encodeMethod,
  encodeTable,
  greeting,
  long,
  malformed,
  type Method,
  MethodReader,
  short,
  shortText,
} from "./frames.ts"

/**
 * A login by AMQP 0-9-1, as programs do it. The management API would not do: it refuses users
 * without a tag whatever their password is.
 */

export type AmqpLogin = {
  readonly user: string
  readonly password: Secret
  readonly vhost?: string
}

const connection = {
  start: "10.10",
  startOk: [10, 11],
  tune: "10.30",
  tuneOk: [10, 31],
  open: [10, 40],
  close: "10.50",
  closing: [10, 50],
  closed: [10, 51],
} as const
const refused = 403
const longestAnswer = 256 * 1024

/** The password was accepted; `opened`: and then the virtual host, if one was named. */
export type LoggedIn = { readonly opened: boolean }

/** Resolves once the server has accepted the password; throws `password-refused` where it said no. */
export async function logIn(
  { address, tls, gate: gateOf }: Endpoint,
  login: AmqpLogin,
  signal: AbortSignal,
): Promise<LoggedIn> {
  const call = { label: `at ${sayAddress(address)} as ${login.user}`, signal }
  await using gate = await gateOf?.(call.label)
  const plain = await dial(address, gate, call)
  const socket: Socket = tls === undefined ? plain : await upgrade(plain, tls, call)
  const channel = openChannel<Method>(socket, call, { reader: new MethodReader(), longestAnswer })
  try {
    channel.send(greeting)
    await started(channel, call.label)
    // Who speaks there is looked at before it is told the password.
    await gate?.check(plain)
    channel.send(startOk(login))
    const limits = await tuned(channel, call.label)
    const opened = login.vhost === undefined || (await openAndClose(channel, limits, login.vhost))
    return { opened }
  } catch (error) {
    throw error instanceof AppError && !error.message.startsWith(call.label)
      ? error.within(call.label)
      : error
  } finally {
    channel.end()
  }
}

async function started(channel: Channel<Method>, label: string): Promise<void> {
  const { id, fields } = await channel.receive()
  if (id !== connection.start) throw malformed()
  // Versions, then the server's properties.
  fields.short()
  fields.long()
  const mechanisms = fields.long().toString("latin1").split(" ")
  if (mechanisms.includes("PLAIN")) return
  throw new AppError(
    "authentication-unsupported",
    `${label}: the server does not offer PLAIN, by which passwords are proven; nothing was sent`,
    { hint: "auth_mechanisms in rabbitmq.conf names what it offers" },
  )
}

/** Asked for, a refusal is said; else the server is silent for three seconds and hangs up. */
const client = { product: "mycelium", capabilities: { authentication_failure_close: true } }

function startOk({ user, password }: AmqpLogin): Buffer {
  return encodeMethod(
    connection.startOk,
    encodeTable(client),
    shortText("PLAIN"),
    long(`\0${user}\0${password.reveal()}`),
    shortText("en_US"),
  )
}

/**
 * The server goes on to its limits once it has accepted the password, before any virtual host is
 * spoken of.
 */
async function tuned(channel: Channel<Method>, label: string): Promise<Buffer> {
  const { id, fields } = await channel.receive()
  if (id === connection.tune) return fields.rest()
  if (id !== connection.close) throw malformed()
  if (fields.short() === refused)
    throw new AppError("password-refused", `${label}: the server refuses this login`)
  throw new AppError("server-error", `${label}: the server ends the login for another reason`, {
    hint: "see the server's log",
  })
}

/**
 * The password is proven by now: this only takes leave as a program does, with the server's own
 * limits, and what it meets decides nothing of the password. False where the server says no.
 */
async function openAndClose(
  channel: Channel<Method>,
  limits: Buffer,
  vhost: string,
): Promise<boolean> {
  const none = Buffer.alloc(1)
  channel.send(encodeMethod(connection.tuneOk, limits))
  channel.send(encodeMethod(connection.open, shortText(vhost), none, none))
  try {
    const { id } = await channel.receive()
    if (id === connection.close) {
      channel.send(encodeMethod(connection.closed))
      return false
    }
    channel.send(encodeMethod(connection.closing, short(200), none, short(0), short(0)))
    await channel.receive()
  } catch (error) {
    if (!(error instanceof AppError)) throw error
  }
  return true
}
