import type { Socket } from "node:net"
import { AppError, systemCode } from "../../../base/error.ts"
import type { Secret } from "../../../core/secret.ts"
import { isGone, type OpenGate } from "../server/listener.ts"
import { openSocket, timedOut, type TlsDemand, unreachable, upgrade } from "../server/tls.ts"
import { Attention, type Standable } from "../server/standing.ts"
import { type Address, sayAddress } from "./address.ts"
import { RedisError } from "./fault.ts"
import { encodeCommand, type Reply, ReplyReader } from "./resp.ts"

/**
 * A small Redis client of our own. Bun's, ioredis and node-redis blur a refused password, a refused
 * connection and a silent
 * server, or hang on the last; here the three stay apart, nothing is retried, and all ends when
 * `signal` aborts.
 */
export interface Connection extends Standable {
  /** "at cache:6379 as shop", for errors. */
  readonly says: string
  /** One command; its reply, or a RedisError where the server says no. */
  command(name: readonly string[], ...args: readonly string[]): Promise<Reply>
  /**
   * Goes out before the next command, in one piece with it; what is refused then ends the
   * connection.
   */
  before(name: readonly string[], ...args: readonly string[]): void
  close(): void
}

/** `gate`: who listens is looked at before the password goes out. */
export type Endpoint = {
  readonly address: Address
  readonly tls?: TlsDemand
  readonly gate?: OpenGate
}
/** `name` is what CLIENT LIST shows. */
export type Login = {
  readonly user: string
  readonly password: Secret
  readonly name?: string | undefined
}

/**
 * Connects, logs in, and has a name before anything else is sent: what we send can be found and
 * ended by it.
 */
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
  const socket = tls === undefined ? plain : await upgrade(plain, tls, { says, signal })
  const channel = talk(socket, says, signal)
  const connection: Connection = {
    says,
    command: async (name, ...args) =>
      accepted(await channel.ask([...name, ...args]), `${says}: ${name.join(" ")}`),
    before: (name, ...args) => channel.before([...name, ...args]),
    close: () => channel.end(),
    get answers() {
      return channel.answers
    },
    get usable() {
      return channel.quiet
    },
    attend: (now) => channel.attend(now),
  }
  try {
    if (gate !== undefined) {
      await judged(channel, says, () => gate.check(plain))
    }
    await connection.command(["AUTH"], login.user, login.password.reveal())
    if (login.name !== undefined) await connection.command(["CLIENT", "SETNAME"], login.name)
    return connection
  } catch (error) {
    connection.close()
    throw error
  }
}

/**
 * Whatever a server says to PING before a login shows that someone has accepted the connection:
 * that one is looked at before any of it is believed.
 */
async function judged(channel: Channel, says: string, check: () => Promise<void>): Promise<void> {
  const reply = await channel.ask(["PING"])
  const refused =
    typeof reply === "object" && reply !== null && "refused" in reply ? reply.refused : undefined
  // A server that takes nobody says so and hangs up, and then nobody can say who it was; nothing is
  // concluded from these two.
  const atTheDoor =
    refused === "full" || refused === "protected" ? new RedisError(refused, says) : undefined
  await check().catch((error: unknown) => {
    if (atTheDoor === undefined || !isGone(error)) throw error
  })
  if (atTheDoor !== undefined) throw atTheDoor
}

function accepted(reply: Reply, says: string): Reply {
  if (typeof reply === "object" && reply !== null && "refused" in reply)
    throw new RedisError(reply.refused, says)
  return reply
}

type Channel = {
  ask(words: readonly string[]): Promise<Reply>
  before(words: readonly string[]): void
  readonly answers: number
  end(): void
  readonly quiet: boolean
  attend(signal: AbortSignal | undefined): void
}

type Waiting = {
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: AppError) => void
}

/**
 * Questions of one moment go out in one piece, and are answered in their order. Once the connection
 * has failed, ended or met its deadline, every question fails.
 */
function talk(socket: Socket, says: string, signal: AbortSignal): Channel {
  const reader = new ReplyReader()
  let failure: AppError | undefined
  const waiting: Waiting[] = []
  let leaving: Uint8Array[] = []
  let answers = 0

  const fail = (error: AppError): void => {
    failure ??= error
    attention.end()
    socket.destroy()
    for (const one of waiting.splice(0)) one.reject(failure)
  }
  const attention = new Attention(socket, () => fail(timedOut(says)))
  const onReply = (reply: Reply): void => {
    const first = waiting.shift()
    if (first === undefined) return fail(unasked(reply, says))
    answers++
    first.resolve(reply)
  }
  const onData = (chunk: Buffer): void => {
    try {
      reader.push(chunk)
      for (let reply = reader.next(); reply !== undefined; reply = reader.next()) onReply(reply)
    } catch (error) {
      fail(error instanceof AppError ? error.within(says) : unreachable(says, undefined))
    }
  }
  socket.on("data", onData)
  socket.on("error", (error) => fail(lost(says, error)))
  socket.on("close", () => fail(unreachable(says, undefined)))
  attention.to(signal)
  if (socket.destroyed) fail(unreachable(says, undefined))

  const leave = (): void => {
    const [all, [only]] = [leaving, leaving]
    leaving = []
    if (only !== undefined && failure === undefined)
      socket.write(all.length === 1 ? only : Buffer.concat(all))
  }
  const send = (words: readonly string[], then: Waiting): void => {
    if (failure !== undefined) return then.reject(failure)
    waiting.push(then)
    leaving.push(encodeCommand(words))
  }
  const refused = (reply: Reply): void => {
    if (typeof reply === "object" && reply !== null && "refused" in reply)
      fail(new RedisError(reply.refused, says))
  }

  return {
    ask: (words) =>
      new Promise((resolve, reject) => {
        send(words, { resolve, reject })
        queueMicrotask(leave)
      }),
    before: (words) => send(words, { resolve: refused, reject: () => undefined }),
    get answers() {
      return answers
    },
    end: () => fail(unreachable(says, undefined)),
    get quiet() {
      return failure === undefined && waiting.length === 0
    },
    attend: (now) => attention.to(now),
  }
}

/** A server that is full, or in protected mode, says so at the door and hangs up. */
function unasked(reply: Reply, says: string): AppError {
  if (typeof reply === "object" && reply !== null && "refused" in reply)
    return new RedisError(reply.refused, says)
  return new AppError(
    "answer-malformed",
    `${says}: what answers does not speak the protocol of Redis`,
  )
}

/** In TLS 1.3 a server that misses our certificate says so only after the handshake. */
function lost(says: string, error: unknown): AppError {
  if (!/CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE/.test(systemCode(error) ?? ""))
    return unreachable(says, error)
  return new AppError(
    "tls-client-certificate",
    `${says}: the server asks for a certificate of ours, or does not take the one we have`,
    {
      hint: "tls: { certificate: FILE, key: FILE } names one, or set tls-auth-clients to no at the server",
    },
  )
}
