import type { Socket } from "node:net"
import { AppError } from "../../../base/error.ts"
import type { Secret } from "../../../core/secret.ts"
import { sayAddress } from "../server/address.ts"
import { type Channel, hangUp, openChannel } from "../server/channel.ts"
import type { Endpoint } from "../server/endpoint.ts"
import type { PooledConnection } from "../server/connection-pool.ts"
import { isGone } from "../server/listener.ts"
import type { Call } from "../server/tls.ts"
import { type Asked, authenticate } from "./authenticate.ts"
import { openAt, type Opened } from "./early-connection.ts"
import {
  malformed,
  type Message,
  MessageReader,
  query,
  readRow,
  readSqlstate,
  startup,
  terminate,
  texts,
} from "./message.ts"
import { ServerError } from "./server-error.ts"

/**
 * A small PostgreSQL client of our own, protocol 3.0, simple queries. Bun.SQL answers cleartext
 * requests, does not tell which login was asked for, reconnects silently (the session's settings
 * are lost) and leaves a query running after close.
 */
export interface Connection extends PooledConnection {
  /** "at db:5432 as shop", for errors. */
  readonly label: string
  readonly asked: Asked
  /** The server process, as the greeting named it; undefined if it did not. */
  readonly serverProcess: number | undefined
  /** The server's major version. */
  readonly version: number
  /** Runs `sql`, one statement or more; the rows of all, each by the names given here. */
  rows<Column extends string>(
    columns: readonly Column[],
    sql: string,
  ): Promise<readonly Readonly<Record<Column, string | null>>[]>
  /** Goes out before the next `sql`, in one message with it; it has no rows. */
  before(sql: string): void
  close(): Promise<void>
}

export type PostgresLogin = {
  readonly user: string
  readonly password: Secret | undefined
  readonly database: string
  readonly applicationName: string
  /** Of the session from its first moment: these win over those of a role or a database. */
  readonly settings?: Readonly<Record<string, string>> | undefined
  readonly random: (count: number) => Uint8Array
}

/** Before version 10 there is no SCRAM, so a password cannot be changed safely. */
const oldestServer = 10
/** Bytes of one answer, rows and all: those of thousands of sessions come nowhere near. */
const longestAnswer = 16 * 1024 * 1024

/** How errors name a login. */
export function labelOf({ address }: Pick<Endpoint, "address">, user: string): string {
  return `at ${sayAddress(address)} as ${user}`
}

/**
 * Opens a connection and logs in; everything ends when `signal`, or the one bound later, aborts.
 * Nothing is ever retried or reconnected.
 */
export async function connect(
  endpoint: Endpoint,
  login: PostgresLogin,
  signal: AbortSignal,
): Promise<Connection> {
  const label = labelOf(endpoint, login.user)
  return logInOn(await openAt(endpoint, { label, signal }), login, { label, signal })
}

/**
 * The same over a connection that was opened before; undefined if that one ended before the server
 * had answered anything.
 */
export async function connectOver(
  opened: Opened,
  login: PostgresLogin,
  call: Call,
): Promise<Connection | undefined> {
  let isAnswered = false
  const answered = (): void => void (isAnswered = true)
  try {
    return await logInOn(opened, login, { ...call, answered })
  } catch (error) {
    if (isAnswered || !isGone(error)) throw error
    return undefined
  }
}

type Calling = Call & { readonly answered?: () => void }

async function logInOn(
  { socket, gate }: Opened,
  login: PostgresLogin,
  { label, signal, answered = () => undefined }: Calling,
): Promise<Connection> {
  await using _ = gate
  const { user, database, applicationName } = login
  const hello = startup({
    ...login.settings,
    user,
    database,
    application_name: applicationName,
    client_encoding: "UTF8",
  })
  const protocol = { reader: new MessageReader(), longestAnswer }
  const channel = openChannel(socket, { label, signal }, protocol)
  try {
    channel.send(hello)
    const asked = await authenticate(channel, {
      label,
      password: login.password,
      nonce: Buffer.from(login.random(18)).toString("base64"),
      answered: async () => {
        answered()
        await gate?.check(socket)
      },
    })
    const { version, serverProcess } = await readGreeting(channel, label)
    if (version < oldestServer)
      throw new AppError(
        "server-too-old",
        `${label}: the server is older than PostgreSQL ${oldestServer}`,
        { hint: "upgrade it" },
      )
    return connectionOn(socket, channel, { label, asked, serverProcess, version })
  } catch (error) {
    channel.end()
    throw error
  }
}

/** Once a login has been accepted. */
function connectionOn(
  socket: Socket,
  channel: Channel<Message>,
  facts: Pick<Connection, "label" | "asked" | "serverProcess" | "version">,
): Connection {
  const state = { idle: true, before: "", answers: 0 }
  return {
    ...facts,
    rows: (columns, sql) => rows(channel, facts.label, { columns, sql, state }),
    before: (sql) => void (state.before = sql),
    close: () => hangUp(socket, channel, terminate),
    get answers() {
      return state.answers
    },
    get usable() {
      return state.idle && channel.idle
    },
    bind: (now) => channel.bind(now),
  }
}

async function readGreeting(
  channel: Channel<Message>,
  label: string,
): Promise<{ readonly serverProcess: number | undefined; readonly version: number }> {
  let serverProcess: number | undefined
  let version = 0
  for (;;) {
    const message = await channel.receive()
    if (message.type === "Z") return { serverProcess, version }
    if (message.type === "E") throw new ServerError(readSqlstate(message), label, true)
    if (message.type === "K" && message.body.length >= 8)
      serverProcess = message.body.readInt32BE(0)
    if (message.type === "S") {
      const [name, value = ""] = texts(message.body)
      if (name === "server_version") version = Number.parseInt(value, 10) || 0
    }
  }
}

/** `idle`: no question is under way, and no transaction is open. */
type Question<Column> = {
  readonly columns: readonly Column[]
  readonly sql: string
  readonly state: { idle: boolean; before: string; answers: number }
}

async function rows<Column extends string>(
  channel: Channel<Message>,
  label: string,
  { columns, sql, state }: Question<Column>,
): Promise<Record<Column, string | null>[]> {
  state.idle = false
  channel.send(query(state.before === "" ? sql : `${state.before}; ${sql}`))
  state.before = ""
  const found: Record<Column, string | null>[] = []
  let fault: ServerError | undefined
  for (;;) {
    // A fatal error is followed by the end of the connection; the error is what matters.
    const message = await channel
      .receive()
      .catch((error: unknown) => Promise.reject(fault ?? error))
    if (message.type === "D") {
      found.push(named(columns, readRow(message)))
    }
    if (message.type === "E") fault ??= new ServerError(readSqlstate(message), label, true)
    if (message.type === "Z") {
      state.answers++
      state.idle = message.body.toString("latin1") === "I"
      break
    }
    // COPY would wait for us for ever; none of our statements begins one.
    if (message.type === "G" || message.type === "H" || message.type === "W") throw malformed()
  }
  if (fault !== undefined) throw fault
  return found
}

function named<Column extends string>(
  columns: readonly Column[],
  values: readonly (string | null)[],
): Record<Column, string | null> {
  if (values.length !== columns.length) throw malformed()
  return Object.fromEntries(
    columns.map((column, index) => [column, values[index] ?? null]),
  ) as Record<Column, string | null>
}
