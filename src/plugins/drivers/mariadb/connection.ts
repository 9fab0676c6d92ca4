import { AppError } from "../../../base/error.ts"
import type { Secret } from "../../../core/secret.ts"
import { isGone, type OpenGate } from "../server/listener.ts"
import { openSocket, type TlsDemand, upgrade } from "../server/tls.ts"
import { type Address, sayAddress } from "./address.ts"
import { type Channel, openChannel } from "./channel.ts"
import { MariadbError } from "./fault.ts"
import {
  type Greeting,
  loginBody,
  loginHead,
  nativePassword,
  readGreeting,
  scramble,
} from "./login.ts"
import { BodyReader, malformed, type Packet } from "./packets.ts"

/**
 * A small MariaDB client of our own. What Bun's does when a server asks for the password in clear
 * (mysql_clear_password), or
 * offers no TLS, is written down nowhere; this one answers mysql_native_password and nothing else,
 * and all ends when `signal` aborts.
 */
export interface Connection {
  /** "at db:3306 as admin", for errors. */
  readonly says: string
  /**
   * One statement; its rows as text, none where it gives none. A MariadbError where the server says
   * no.
   */
  query(sql: string): Promise<readonly Row[]>
  close(): void
}
export type Row = readonly (string | null)[]

/** `gate`: who listens is looked at before the proof of the password goes out. */
export type Endpoint = {
  readonly address: Address
  readonly tls?: TlsDemand
  readonly gate?: OpenGate
}
export type Login = { readonly user: string; readonly password: Secret }

export async function connect(
  { address, tls, gate: gateOf }: Endpoint,
  login: Login,
  signal: AbortSignal,
): Promise<Connection> {
  const says = `at ${sayAddress(address)} as ${login.user}`
  await using gate = await gateOf?.(says)
  const to =
    "socket" in address
      ? { path: gate?.path ?? address.socket }
      : { host: address.host, port: address.port, noDelay: true }
  const plain = await openSocket(to, { says, signal })
  let channel = openChannel(plain, says, signal)
  try {
    const greeting = readGreeting(await firstOf(channel, says, async () => gate?.check(plain)))
    checkServer(greeting, says)
    let sequence = 1
    if (tls !== undefined) {
      if (!greeting.tls)
        throw new AppError(
          "tls-not-offered",
          `${says}: the server offers no TLS; nothing was sent`,
          {
            hint: "give it a certificate (ssl_cert, ssl_key); only where nobody can listen on the way: insecure: true",
          },
        )
      channel.write({ sequence: sequence++, body: loginHead(true) })
      channel.leave()
      channel = openChannel(await upgrade(plain, tls, { says, signal }), says, signal)
    }
    channel.write({
      sequence,
      body: loginBody(
        tls !== undefined,
        login.user,
        scramble(login.password.reveal(), greeting.seed),
      ),
    })
    await finishLogin(channel, login, says)
    return connectionOf(channel, says)
  } catch (error) {
    channel.end()
    plain.destroy()
    throw placed(error, says)
  }
}

/** What is said at the door; whoever speaks there is looked at before any of it is believed. */
async function firstOf(
  channel: Channel,
  says: string,
  check: () => Promise<void>,
): Promise<Buffer> {
  const { body } = await channel.read()
  const refusal = refusalIn(body, says)
  try {
    await check()
  } catch (error) {
    // With its refusal a server hangs up, and then nobody can say who it was: so what something is
    // concluded from is not believed.
    if (refusal === undefined || refusal.number === 1045 || !isGone(error)) throw error
  }
  if (refusal !== undefined) throw refusal
  return body
}

/** An account has several ways to log in since MariaDB 10.4. */
function checkServer({ version }: Greeting, says: string): void {
  if (!/mariadb/i.test(version))
    throw new AppError("mariadb-other-server", `${says}: what answers is not MariaDB`, {
      hint: "MySQL holds two passwords in a way of its own, which this driver does not know",
    })
  const [major = 0, minor = 0] = version.split(".").map(Number)
  if (major < 10 || (major === 10 && minor < 4))
    throw new AppError(
      "server-too-old",
      `${says}: an account of this server holds one password only`,
      { hint: "MariaDB 10.4 or newer is needed" },
    )
}

/** A user with two passwords is asked once for each, with a new seed every time. */
async function finishLogin(channel: Channel, { password }: Login, says: string): Promise<void> {
  for (let rounds = 0; rounds < 16; rounds++) {
    const { sequence, body } = await channel.read()
    refuse({ sequence, body }, says)
    if (body[0] === 0x00) return
    if (body[0] !== 0xfe || body.length === 1) throw malformed()
    const fields = new BodyReader(body.subarray(1))
    // Whatever else it asks for, the password in clear among it, is not answered.
    if (fields.untilZero() !== nativePassword)
      throw new AppError(
        "mariadb-other-plugin",
        `${says}: the server asks for a login other than mysql_native_password, which is not answered`,
        { hint: "ALTER USER … IDENTIFIED VIA mysql_native_password USING PASSWORD('…')" },
      )
    channel.write({ sequence: sequence + 1, body: scramble(password.reveal(), fields.bytes(20)) })
  }
  throw malformed()
}

function connectionOf(channel: Channel, says: string): Connection {
  return {
    says,
    query: async (sql) => {
      try {
        channel.write({ sequence: 0, body: Buffer.concat([Buffer.from([0x03]), Buffer.from(sql)]) })
        return await readRows(channel, says)
      } catch (error) {
        throw placed(error, says)
      }
    },
    close: () => channel.end(),
  }
}

async function readRows(channel: Channel, says: string): Promise<readonly Row[]> {
  const first = await channel.read()
  refuse(first, says)
  if (first.body[0] === 0x00) return []
  const columns = new BodyReader(first.body).count()
  for (let left = columns; left > 0; left--) await channel.read()
  if (!isEnd((await channel.read()).body)) throw malformed()
  const rows: Row[] = []
  for (;;) {
    const packet = await channel.read()
    refuse(packet, says)
    if (isEnd(packet.body)) return rows
    const fields = new BodyReader(packet.body)
    rows.push(Array.from({ length: columns }, () => fields.text()))
  }
}

function isEnd(body: Buffer): boolean {
  return body[0] === 0xfe && body.length < 9
}

function refuse({ body }: Packet, says: string): void {
  const refusal = refusalIn(body, says)
  if (refusal !== undefined) throw refusal
}

function refusalIn(body: Buffer, says: string): MariadbError | undefined {
  return body[0] === 0xff
    ? new MariadbError(new BodyReader(body.subarray(1)).number(2), says)
    : undefined
}

function placed(error: unknown, says: string): unknown {
  return error instanceof AppError && error.code === "answer-malformed" ? error.within(says) : error
}
