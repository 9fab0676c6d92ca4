import type { Socket } from "node:net"
import { AppError } from "../../../base/error.ts"
import type { Secret } from "../../../core/secret.ts"
import { sayAddress } from "../server/address.ts"
import { type Channel, hangUp, openChannel } from "../server/channel.ts"
import { dial, type Endpoint } from "../server/endpoint.ts"
import { isGone } from "../server/listener.ts"
import type { PooledConnection } from "../server/connection-pool.ts"
import { type Call, upgrade } from "../server/tls.ts"
import { MariadbError } from "./fault.ts"
import {
  type Greeting,
  loginBody,
  loginHead,
  nativePassword,
  readGreeting,
  scramble,
} from "./login.ts"
import { BodyReader, encodePacket, malformed, type Packet, PacketReader } from "./packets.ts"

/**
 * A small MariaDB client of our own. What Bun's does when a server asks for the password in clear
 * (mysql_clear_password), or offers no TLS, is written down nowhere; this one answers
 * mysql_native_password and nothing else, and all ends when `signal` aborts.
 */
export interface Connection extends PooledConnection {
  /** "at db:3306 as admin", for errors. */
  readonly label: string
  /**
   * One statement; its rows as text, none where it gives none. A MariadbError where the server says
   * no.
   */
  query(sql: string): Promise<readonly Row[]>
  /** Each statement was a transaction of its own when we came in. */
  readonly commits: boolean
  close(): void
  /** Says that the session is over; resolves once the server has hung up: its seat is free by then. */
  hangUp(): Promise<void>
}
export type Row = readonly (string | null)[]

export type MariadbLogin = { readonly user: string; readonly password: Secret }

export async function connect(
  { address, tls, gate: gateOf }: Endpoint,
  login: MariadbLogin,
  signal: AbortSignal,
): Promise<Connection> {
  const label = `at ${sayAddress(address)} as ${login.user}`
  await using gate = await gateOf?.(label)
  const call = { label, signal }
  const plain = await dial(address, gate, call)
  let socket = plain
  let channel = openPackets(plain, call)
  try {
    const greeting = readGreeting(await firstOf(channel, label, async () => gate?.check(plain)))
    checkServer(greeting, label)
    let sequence = 1
    if (tls !== undefined) {
      if (!greeting.tls) throw tlsNotOffered(label)
      channel.send(encodePacket({ sequence: sequence++, body: loginHead(true) }))
      channel.leave()
      socket = await upgrade(plain, tls, call)
      channel = openPackets(socket, call)
    }
    const answer = scramble(login.password.reveal(), greeting.seed)
    channel.send(encodePacket({ sequence, body: loginBody(tls !== undefined, login.user, answer) }))
    const commits = await finishLogin(channel, login, label)
    return connectionOf({ channel, socket, label, commits })
  } catch (error) {
    channel.end()
    plain.destroy()
    throw placed(error, label)
  }
}

/** Bytes of one answer, rows and all: those of thousands of sessions come nowhere near. */
const longestAnswer = 16 * 1024 * 1024
/** COM_QUIT. */
const quit = Buffer.from([1])

function openPackets(socket: Socket, call: Call): Channel<Packet> {
  return openChannel(socket, call, { reader: new PacketReader(), longestAnswer })
}

function tlsNotOffered(label: string): AppError {
  return new AppError("tls-not-offered", `${label}: the server offers no TLS; nothing was sent`, {
    hint:
      "give it a certificate (ssl_cert, ssl_key); only if the traffic cannot be read on the way: " +
      "insecure: true",
  })
}

/** The server's first message. Which process sent it is checked before any of it is believed. */
async function firstOf(
  channel: Channel<Packet>,
  label: string,
  check: () => Promise<void>,
): Promise<Buffer> {
  const { body } = await channel.receive()
  const refusal = refusalIn(body, label)
  try {
    await check()
  } catch (error) {
    // With its refusal a server hangs up, and then it cannot be known who it was: so what something is
    // concluded from is not believed.
    if (refusal === undefined || refusal.number === 1045 || !isGone(error)) throw error
  }
  if (refusal !== undefined) throw refusal
  return body
}

/** An account has several ways to log in since MariaDB 10.4. */
function checkServer({ version }: Greeting, label: string): void {
  if (!/mariadb/i.test(version))
    throw new AppError("mariadb-other-server", `${label}: what answers is not MariaDB`, {
      hint: "MySQL holds two passwords in a way of its own, which this driver does not know",
    })
  const [major = 0, minor = 0] = version.split(".").map(Number)
  if (major < 10 || (major === 10 && minor < 4))
    throw new AppError(
      "server-too-old",
      `${label}: an account of this server holds one password only`,
      { hint: "MariaDB 10.4 or newer is needed" },
    )
}

/**
 * A user with two passwords is asked once for each, with a new seed every time. True where each
 * statement is a transaction of its own.
 */
async function finishLogin(
  channel: Channel<Packet>,
  { password }: MariadbLogin,
  label: string,
): Promise<boolean> {
  for (let rounds = 0; rounds < 16; rounds++) {
    const { sequence, body } = await channel.receive()
    refuse({ sequence, body }, label)
    if (body[0] === 0x00) return commitsByItself(body)
    if (body[0] !== 0xfe || body.length === 1) throw malformed()
    const fields = new BodyReader(body.subarray(1))
    // Whatever else it asks for, the password in clear among it, is not answered.
    if (fields.untilZero() !== nativePassword)
      throw new AppError(
        "authentication-unsupported",
        `${label}: the server asks for a login other than mysql_native_password, which is not answered`,
        { hint: "ALTER USER … IDENTIFIED VIA mysql_native_password USING PASSWORD('…')" },
      )
    const answer = scramble(password.reveal(), fields.bytes(20))
    channel.send(encodePacket({ sequence: sequence + 1, body: answer }))
  }
  throw malformed()
}

/** The status flags of an OK packet, behind two numbers: SERVER_STATUS_AUTOCOMMIT. */
function commitsByItself(body: Buffer): boolean {
  const fields = new BodyReader(body.subarray(1))
  fields.count()
  fields.count()
  return (fields.number(2) & 0x2) !== 0
}

type LoggedIn = Pick<Connection, "label" | "commits"> & {
  readonly channel: Channel<Packet>
  readonly socket: Socket
}

function connectionOf({ channel, socket, label, commits }: LoggedIn): Connection {
  let answers = 0
  let isIdle = true
  return {
    label,
    commits,
    query: async (sql) => {
      isIdle = false
      try {
        channel.send(encodePacket({ sequence: 0, body: Buffer.from(`\x03${sql}`) }))
        const rows = await readRows(channel, label)
        return answered(rows)
      } catch (error) {
        // One that the server had ended before says so, too.
        if (error instanceof MariadbError && error.number !== 1927) answered(undefined)
        throw placed(error, label)
      }
    },
    close: () => channel.end(),
    hangUp: () => hangUp(socket, channel, encodePacket({ sequence: 0, body: quit })),
    get answers() {
      return answers
    },
    get usable() {
      return isIdle && channel.idle
    },
    bind: (now) => channel.bind(now),
  }

  function answered<Rows>(rows: Rows): Rows {
    answers++
    isIdle = true
    return rows
  }
}

async function readRows(channel: Channel<Packet>, label: string): Promise<readonly Row[]> {
  const first = await channel.receive()
  refuse(first, label)
  if (first.body[0] === 0x00) return []
  const columns = new BodyReader(first.body).count()
  for (let left = columns; left > 0; left--) await channel.receive()
  if (!isEnd((await channel.receive()).body)) throw malformed()
  const rows: Row[] = []
  for (;;) {
    const packet = await channel.receive()
    refuse(packet, label)
    if (isEnd(packet.body)) return rows
    const fields = new BodyReader(packet.body)
    rows.push(Array.from({ length: columns }, () => fields.text()))
  }
}

function isEnd(body: Buffer): boolean {
  return body[0] === 0xfe && body.length < 9
}

function refuse({ body }: Packet, label: string): void {
  const refusal = refusalIn(body, label)
  if (refusal !== undefined) throw refusal
}

function refusalIn(body: Buffer, label: string): MariadbError | undefined {
  return body[0] === 0xff
    ? new MariadbError(new BodyReader(body.subarray(1)).number(2), label)
    : undefined
}

function placed(error: unknown, label: string): unknown {
  return error instanceof AppError && error.code === "answer-malformed"
    ? error.within(label)
    : error
}
