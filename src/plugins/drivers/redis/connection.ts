import type { Socket } from "node:net"
import { AppError } from "../../../base/error.ts"
import type { Secret } from "../../../core/secret.ts"
import { sayAddress } from "../server/address.ts"
import { openChannel, type Waiting } from "../server/channel.ts"
import { dial, type Endpoint } from "../server/endpoint.ts"
import { isGone } from "../server/listener.ts"
import type { PooledConnection } from "../server/connection-pool.ts"
import { type Call, upgrade } from "../server/tls.ts"
import { type Kind, RedisError } from "./fault.ts"
import { encodeCommand, type Reply, ReplyReader } from "./resp.ts"

/**
 * A small Redis client of our own. Bun's, ioredis and node-redis blur a refused password, a refused
 * connection and a silent server, or hang on the last; here the three stay apart, nothing is
 * retried, and all ends when `signal` aborts.
 */
export interface Connection extends PooledConnection {
  /** "at cache:6379 as shop", for errors. */
  readonly label: string
  /** One command; its reply, or a RedisError where the server says no. */
  command(name: readonly string[], ...args: readonly string[]): Promise<Reply>
  /**
   * Goes out before the next command, in one piece with it; what is refused then ends the
   * connection.
   */
  before(name: readonly string[], ...args: readonly string[]): void
  close(): void
}

/** `name` is what CLIENT LIST shows. */
export type RedisLogin = {
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
  login: RedisLogin,
  signal: AbortSignal,
): Promise<Connection> {
  const label = `at ${sayAddress(address)} as ${login.user}`
  await using gate = await gateOf?.(label)
  const call = { label, signal }
  const plain = await dial(address, gate, call)
  const socket = tls === undefined ? plain : await upgrade(plain, tls, call)
  const channel = openQuestions(socket, call)
  const connection: Connection = {
    label,
    command: async (name, ...args) =>
      accepted(await channel.ask([...name, ...args]), `${label}: ${name.join(" ")}`),
    before: (name, ...args) => channel.before([...name, ...args]),
    close: () => channel.end(),
    get answers() {
      return channel.answers
    },
    get usable() {
      return channel.quiet
    },
    bind: (now) => channel.bind(now),
  }
  try {
    if (gate !== undefined) {
      await judged(channel, label, () => gate.check(plain))
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
 * Whatever a server says to PING before a login shows that a process has accepted the connection:
 * that one is looked at before any of it is believed.
 */
async function judged(
  channel: Questions,
  label: string,
  check: () => Promise<void>,
): Promise<void> {
  const reply = await channel.ask(["PING"])
  const refused = refusalIn(reply)
  // A server that takes no client says so and hangs up, and then it cannot be known who it was; nothing is
  // concluded from these two.
  const atTheDoor =
    refused === "full" || refused === "protected" ? new RedisError(refused, label) : undefined
  await check().catch((error: unknown) => {
    if (atTheDoor === undefined || !isGone(error)) throw error
  })
  if (atTheDoor !== undefined) throw atTheDoor
}

function accepted(reply: Reply, label: string): Reply {
  const refused = refusalIn(reply)
  if (refused !== undefined) throw new RedisError(refused, label)
  return reply
}

function refusalIn(reply: Reply): Kind | undefined {
  return typeof reply === "object" && reply !== null && "refused" in reply
    ? reply.refused
    : undefined
}

type Questions = {
  ask(words: readonly string[]): Promise<Reply>
  before(words: readonly string[]): void
  readonly answers: number
  end(): void
  readonly quiet: boolean
  bind(signal: AbortSignal | undefined): void
}

/** Bytes of one answer; CLIENT LIST has some 300 a client (resp.ts has the limit of a reply). */
const longestAnswer = 128 * 1024 * 1024

/** Questions of one moment go out in one piece, and are answered in their order. */
function openQuestions(socket: Socket, call: Call): Questions {
  const { label } = call
  const channel = openChannel<Reply>(socket, call, {
    reader: new ReplyReader(),
    longestAnswer,
    unasked: (reply) => unasked(reply, label),
  })
  const outbox = openOutbox((bytes) => channel.send(bytes))
  let answers = 0
  const put = (words: readonly string[], { resolve, reject }: Waiting<Reply>): void => {
    if (channel.failure !== undefined) return reject(channel.failure)
    outbox.put(encodeCommand(words))
    const answered = (reply: Reply): void => {
      answers++
      resolve(reply)
    }
    channel.await({ resolve: answered, reject })
  }
  const endIfRefused = (reply: Reply): void => {
    const refused = refusalIn(reply)
    if (refused !== undefined) channel.end(new RedisError(refused, label))
  }
  return {
    ask: (words) =>
      new Promise((resolve, reject) => {
        put(words, { resolve, reject })
        queueMicrotask(outbox.leave)
      }),
    before: (words) => put(words, { resolve: endIfRefused, reject: () => undefined }),
    get answers() {
      return answers
    },
    end: () => channel.end(),
    get quiet() {
      return channel.idle
    },
    bind: (now) => channel.bind(now),
  }
}

/** What is put in leaves in one piece. */
function openOutbox(send: (bytes: Uint8Array) => void): {
  readonly put: (bytes: Uint8Array) => void
  readonly leave: () => void
} {
  let waiting: Uint8Array[] = []
  return {
    put: (bytes) => void waiting.push(bytes),
    leave: () => {
      const [all, [only]] = [waiting, waiting]
      waiting = []
      if (only !== undefined) send(all.length === 1 ? only : Buffer.concat(all))
    },
  }
}

/** A server that is full, or in protected mode, says so at the door and hangs up. */
function unasked(reply: Reply, label: string): AppError {
  const refused = refusalIn(reply)
  return refused === undefined
    ? new AppError(
        "answer-malformed",
        `${label}: what answers does not speak the protocol of Redis`,
      )
    : new RedisError(refused, label)
}
