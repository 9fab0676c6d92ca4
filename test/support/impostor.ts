import { randomBytes } from "node:crypto"
import { connect, createServer, type Socket } from "node:net"
import { bun } from "./running.ts"
import { until } from "./until.ts"

/**
 * Another user of this machine, who has taken the port (or the path) of a server that is down: says
 * what it takes to be told a password, and keeps all that is said to it. A process of its own, for
 * what tells it from a server is its uid.
 */
export type Kind =
  | "redis"
  | "redis-full"
  | "mariadb"
  | "mariadb-full"
  | "postgres"
  | "postgres-refuses"
  | "rabbitmq-api"
  | "amqp"
  | "relay"
export type Impostor = AsyncDisposable & {
  readonly heard: () => string
  readonly calls: () => number
}

/** An account that every machine has, and that none of our servers runs as. */
export const impostorUid = 1
export const whyNoImpostor =
  process.getuid?.() === 0 ? undefined : "only root can run a program as another user"

/** `behind`: the address to which a relay passes all on, HOST:PORT. */
export async function startImpostor(
  kind: Kind,
  at: number | string,
  behind = "",
): Promise<Impostor> {
  const child = Bun.spawn([bun, import.meta.path, kind, String(at), behind], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  let said = ""
  const reading = (async () => {
    const decoder = new TextDecoder("latin1")
    for await (const chunk of child.stdout) said += decoder.decode(chunk, { stream: true })
  })()
  await until("the impostor listens", () => said.includes("listens\n"))
  return {
    heard: () => said.slice(said.indexOf("listens\n") + 8),
    calls: () => said.split("<call>").length - 1,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL")
      await child.exited
      await reading
    },
  }
}

const answers: Readonly<Record<Kind, (socket: Socket, behind: string) => void>> = {
  redis: (socket) =>
    socket.on(
      "data",
      (chunk: Buffer) =>
        void socket.write(
          /AUTH/i.test(chunk.toString("latin1"))
            ? "-WRONGPASS invalid username-password pair\r\n"
            : "-NOAUTH Authentication required.\r\n",
        ),
    ),
  // Say that they accept no one, and stay.
  "redis-full": (socket) =>
    socket.on("data", () => void socket.write("-ERR max number of clients reached\r\n")),
  "mariadb-full": (socket) =>
    void socket.write(
      packet(
        0,
        Buffer.concat([Buffer.from([0xff, 0x10, 0x04]), Buffer.from("#08004Too many connections")]),
      ),
    ),
  // A greeting, then "come in", then "done" to all that is said.
  mariadb: (socket) => {
    const seed = randomBytes(20).map((byte) => (byte % 94) + 33)
    const body = Buffer.concat([
      Buffer.from([10]),
      Buffer.from("5.5.5-10.11.6-MariaDB\0"),
      Buffer.alloc(4),
      seed.subarray(0, 8),
      Buffer.from([0, 0xff, 0xf7, 45, 2, 0, 0xff, 0x81, 21]),
      Buffer.alloc(10),
      seed.subarray(8),
      Buffer.from("\0mysql_native_password\0"),
    ])
    socket.write(packet(0, body))
    socket.on(
      "data",
      (chunk: Buffer) =>
        void socket.write(packet((chunk[3] ?? 0) + 1, Buffer.from([0, 0, 0, 2, 0, 0, 0]))),
    )
  },
  // Says of every password, to any question, that it is wrong.
  "postgres-refuses": (socket) =>
    socket.on(
      "data",
      () => void socket.write(Buffer.from("E\0\0\0\x1cSFATAL\0C28P01\0Mrefused\0\0", "latin1")),
    ),
  // "Yes" to every question, and a user without a password.
  "rabbitmq-api": (socket) =>
    socket.on("data", () => {
      const body = JSON.stringify({ name: "shop", password_hash: "", tags: [] })
      socket.write(
        `HTTP/1.1 200 OK\r\n` +
          `date: ${new Date().toUTCString()}\r\n` +
          `content-length: ${body.length}\r\n` +
          `\r\n` +
          `${body}`,
      )
    }),
  // Offers PLAIN, then accepts what it is told.
  amqp: (socket) => {
    let greeted = false
    socket.on("data", () => {
      socket.write(
        greeted
          ? frame([0, 10, 0, 30, 0, 0, 0, 2, 0, 0, 0, 0])
          : frame([
              0,
              10,
              0,
              10,
              0,
              9,
              0,
              0,
              0,
              0,
              0,
              0,
              0,
              5,
              ...Buffer.from("PLAIN"),
              0,
              0,
              0,
              0,
            ]),
      )
      greeted = true
    })
  },
  // Stands before the server itself, which asks for the proof of a password and gets it through here.
  relay: (socket, behind) => {
    const [host = "", port = ""] = behind.split(":")
    const server = connect({ host, port: Number(port) })
    server.on("error", () => undefined).on("close", () => void socket.destroy())
    socket
      .on("close", () => void server.destroy())
      .pipe(server)
      .pipe(socket)
  },
  // "Come in" without a question, a greeting, then "done" to all that is said.
  postgres: (socket) => {
    const done = Buffer.from("C\0\0\0\x0bSELECT\0", "latin1")
    const ready = Buffer.from("Z\0\0\0\x05I", "latin1")
    const status = Buffer.from("S\0\0\0\x17server_version\x0017.0\0", "latin1")
    let greeted = false
    socket.on("data", () => {
      socket.write(
        greeted
          ? Buffer.concat([done, ready])
          : Buffer.concat([Buffer.from("R\0\0\0\x08\0\0\0\0", "latin1"), status, ready]),
      )
      greeted = true
    })
  },
}

function frame(body: readonly number[]): Buffer {
  return Buffer.from([1, 0, 0, 0, 0, 0, body.length, ...body, 0xce])
}

function packet(sequence: number, body: Buffer): Buffer {
  const head = Buffer.alloc(4)
  head.writeUIntLE(body.length, 0, 3)
  head[3] = sequence & 0xff
  return Buffer.concat([head, body])
}

if (import.meta.main) {
  const [kind = "redis", at = "", behind = ""] = process.argv.slice(2)
  process.setgid?.(impostorUid)
  process.setuid?.(impostorUid)
  const server = createServer((socket) => {
    process.stdout.write("<call>")
    socket
      .on("error", () => undefined)
      .on("data", (chunk: Buffer) => void process.stdout.write(chunk))
    answers[kind as Kind](socket, behind)
  })
  const listening = (): void => void process.stdout.write("listens\n")
  if (/^\d+$/.test(at)) server.listen(Number(at), "127.0.0.1", listening)
  else server.listen(at, listening)
}
