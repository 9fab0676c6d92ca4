import { trusted } from "../harness.ts"
import { connect } from "node:net"
import type { Credential, Driver, PluginContext, Versions } from "../../../../src/core/ports.ts"
import { Secret } from "../../../../src/core/secret.ts"
import {
  encodeMethod,
  encodeTable,
  greeting,
  long,
  type Method,
  MethodReader,
  shortText,
} from "../../../../src/plugins/drivers/rabbitmq/frames.ts"
import { rabbitmq } from "../../../../src/plugins/drivers/rabbitmq/index.ts"
import type { RabbitmqServer } from "../../../support/servers/rabbitmq.ts"
import { until } from "../../../support/until.ts"
import { host, text } from "../conformance/harness.ts"

export const label = "production/queue"

export function soon(ms = 10_000): AbortSignal {
  return AbortSignal.timeout(ms)
}

export function contextWith(admin: string, folder = "/"): PluginContext {
  return {
    host,
    label,
    owner: "0a1b2c3d4e5f",
    folder: trusted(folder),
    credential: async () => new Secret("admin", admin),
  }
}

type Written = Readonly<Record<string, unknown>>

/** A driver on the server; the test's admin is its admin unless `written` says otherwise. */
export function open(
  server: RabbitmqServer,
  written: Written,
  adminPassword = server.admin.password,
): Driver {
  const options = rabbitmq.options.parse({
    address: `http://127.0.0.1:${server.port}`,
    amqp: `amqp://127.0.0.1:${server.amqpPort}`,
    admin: { user: server.admin.user, password: { env: "ADMIN" } },
    ...written,
  })
  return rabbitmq.open(options, contextWith(adminPassword, server.folder))
}

export type Account = {
  readonly user: string
  readonly password: string
  readonly old: Credential
  open(written?: Written): Driver
}
let made = 0

/** A user of the test's own that holds v1 and has no tag, as programs have them. */
export async function account(server: RabbitmqServer, tags = ""): Promise<Account> {
  const user = `shop${++made}`
  const password = text("password").reveal()
  await server.user(user, password, tags)
  return {
    user,
    password,
    old: credential("v1", user, password),
    open: (written = {}) => open(server, { user, ...written }),
  }
}

export function credential(
  version: string,
  user: string,
  password: string,
  acceptedAt?: string,
): Credential {
  return {
    version,
    fields: { user, password: new Secret("password", password) },
    ...(acceptedAt === undefined ? {} : { acceptedAt }),
  }
}

export function drafted(driver: Driver, version: string): Credential {
  return { version, fields: driver.generate({ uncertain: [] }, text) }
}

export function versions(current?: Credential, pending?: Credential): Versions {
  return {
    uncertain: [],
    ...(current === undefined ? {} : { current }),
    ...(pending === undefined ? {} : { pending }),
  }
}

export function passwordIn({ fields }: Credential): string {
  const { password } = fields
  return password instanceof Secret ? password.reveal() : ""
}

/** The user as the API shows it. */
export async function shown(
  server: RabbitmqServer,
  user: string,
): Promise<Readonly<Record<string, unknown>>> {
  return (await server.ask("GET", `users/${encodeURIComponent(user)}`)) as Readonly<
    Record<string, unknown>
  >
}

export async function codes(driver: Driver, about: Versions): Promise<readonly string[]> {
  return (await driver.preflight(about, soon())).map(({ severity, code }) => `${severity} ${code}`)
}

/** Until the server's clock shows a later second than this one: it shows whole ones, a moment late. */
export async function clockPasses(server: RabbitmqServer): Promise<void> {
  const now = Date.now()
  await until("the server's clock to pass", async () => (await server.clock()) > now)
}

/** A program's connection, open in the virtual host "/" until it is closed. */
export type Program = Disposable & {
  readonly ended: () => boolean
  readonly open: () => Promise<void>
}

/** "waits": its password is accepted, and it opens nothing before it is told to. */
export async function program(
  server: RabbitmqServer,
  { user, password }: { readonly user: string; readonly password: string },
  when: "at once" | "waits" = "at once",
): Promise<Program> {
  const socket = connect({ host: "127.0.0.1", port: server.amqpPort })
  const reader = new MethodReader()
  const heard: Method[] = []
  let ended = false
  socket
    .on("error", () => undefined)
    .on("close", () => (ended = true))
    .on("data", (chunk: Buffer) => {
      reader.push(chunk)
      for (let next = reader.next(); next !== undefined; next = reader.next()) heard.push(next)
      // As a program does that is told to go.
      if (heard.some(({ id }) => id === "10.50")) socket.destroy()
    })
  const hear = async (id: string): Promise<Method> => {
    await until(`method ${id}`, () => ended || heard.some((one) => one.id === id))
    const found = heard.find((one) => one.id === id)
    if (found === undefined) throw new Error("the server hung up")
    return found
  }
  socket.write(greeting)
  await hear("10.10")
  socket.write(startOk(user, password))
  const limits = (await hear("10.30")).fields.rest()
  const open = async (): Promise<void> => {
    socket.write(encodeMethod([10, 31], limits))
    socket.write(encodeMethod([10, 40], shortText("/"), Buffer.alloc(1), Buffer.alloc(1)))
    await hear("10.41")
  }
  if (when === "at once") await open()
  return { ended: () => ended, open, [Symbol.dispose]: () => void socket.destroy() }
}

function startOk(user: string, password: string): Buffer {
  return encodeMethod(
    [10, 11],
    encodeTable({}),
    shortText("PLAIN"),
    long(`\0${user}\0${password}`),
    shortText("en_US"),
  )
}
