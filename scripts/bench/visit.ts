import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"

/** What a program logs in with, as its `.env` says it. */
export type Login = {
  readonly user: string
  readonly password: string /** Of the whole text. */
  readonly id: string
}

/** USER=… and PASSWORD=… */
export function readLogin(file: string): Login {
  const text = readFileSync(file, "utf8")
  const value = (name: string): string => new RegExp(`^${name}=(.*)$`, "m").exec(text)?.[1] ?? ""
  return {
    user: value("USER"),
    password: value("PASSWORD"),
    id: createHash("sha256").update(text).digest("hex"),
  }
}

/** A connection of its own, AUTH, and gone. */
async function visitRedis(port: number, { user, password }: Login): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  try {
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data: (_, chunk) =>
          resolve(chunk.toString() === "+OK\r\n" ? "in" : (chunk.toString().split(" ")[0] ?? "?")),
        close: () => resolve("closed"),
        error: (_, error) => resolve(error.name),
      },
    })
    const words = ["AUTH", user, password]
    socket.write(
      `*3\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`,
    )
    const answer = await promise
    socket.terminate()
    return answer
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "no-connection"
  }
}

async function visitPostgres(port: number, { user, password }: Login): Promise<string> {
  const client = new Bun.SQL({
    adapter: "postgres",
    hostname: "127.0.0.1",
    port,
    username: user,
    password,
    database: "postgres",
    max: 1,
  })
  try {
    await client.unsafe("select 1")
    return "in"
  } catch (error) {
    return error instanceof Bun.SQL.PostgresError ? (error.errno ?? error.code) : "no-connection"
  } finally {
    await client.close()
  }
}

/** One login by a connection of its own, then gone: "in", or what the answer was. */
export const visits = { postgres: visitPostgres, redis: visitRedis } as const
