import { createHash } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"

/**
 * A program as a deployment runs it, a process of its own: reads user and password from its .env, logs in anew as fast as the
 * server lets it, reads the file again at SIGHUP, is healthy when a login with what it now holds was accepted. At SIGTERM it
 * prints its tally. Argument: `Order` as JSON.
 */

export type Order = {
  readonly service: "postgres" | "redis"
  readonly port: number
  /** USER=… and PASSWORD=… */
  readonly envFile: string
  readonly pidFile: string
  readonly health: number
  /** Logins at once. */
  readonly sideBySide: number
  /** How long its restart takes: it logs in nowhere meanwhile. */
  readonly restartMs: number
}
export type Tally = {
  readonly logins: number
  /** How often each answer came that was no yes. */
  readonly failures: Readonly<Record<string, number>>
  readonly seconds: number
  /** Passwords that a login was accepted with. */
  readonly passwords: number
  /** Milliseconds of each restart, from the signal to the first login with what was read then. */
  readonly restarts: readonly { readonly began: number; readonly ended: number }[]
}

type Login = { readonly user: string; readonly password: string; readonly id: string }

if (import.meta.main) await main(JSON.parse(process.argv[2] ?? "{}") as Order)

async function main(order: Order): Promise<void> {
  let held = readLogin(order.envFile)
  let paused: Promise<void> | undefined
  let proven = ""
  const accepted = new Set<string>()
  const failures: Record<string, number> = {}
  const restarts: { began: number; ended: number }[] = []
  let logins = 0
  const stop = new AbortController()
  const began = performance.now()

  process.on("SIGHUP", () => {
    const restart = { began: Date.now(), ended: 0 }
    restarts.push(restart)
    paused = Bun.sleep(order.restartMs).then(() => {
      held = readLogin(order.envFile)
      paused = undefined
    })
  })
  const health = Bun.serve({ hostname: "127.0.0.1", port: order.health, fetch: () => new Response("", { status: paused === undefined && proven === held.id ? 200 : 503 }) })

  const visit = order.service === "redis" ? visitRedis : visitPostgres
  const loop = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      if (paused !== undefined) await paused
      const login = held
      const answer = await visit(order.port, login)
      if (answer === "in") {
        logins++
        accepted.add(login.id)
        proven = login.id
        const last = restarts.at(-1)
        if (last?.ended === 0 && login === held && paused === undefined) last.ended = Date.now()
      } else failures[answer] = (failures[answer] ?? 0) + 1
    }
  }
  const loops = Array.from({ length: order.sideBySide }, loop)
  process.on("SIGTERM", () => stop.abort())
  // Last: whoever waits for this file finds us ready.
  writeFileSync(order.pidFile, `${process.pid}\n`, { mode: 0o600 })
  await Promise.all(loops)
  await health.stop(true)
  const tally: Tally = { logins, failures, seconds: (performance.now() - began) / 1000, passwords: accepted.size, restarts }
  process.stdout.write(JSON.stringify(tally))
}

function readLogin(file: string): Login {
  const text = readFileSync(file, "utf8")
  const value = (name: string): string => new RegExp(`^${name}=(.*)$`, "m").exec(text)?.[1] ?? ""
  return { user: value("USER"), password: value("PASSWORD"), id: createHash("sha256").update(text).digest("hex") }
}

/** A connection of its own, AUTH, and gone. */
async function visitRedis(port: number, { user, password }: Login): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  try {
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data: (_, chunk) => resolve(chunk.toString() === "+OK\r\n" ? "in" : (chunk.toString().split(" ")[0] ?? "?")),
        close: () => resolve("closed"),
        error: (_, error) => resolve(error.name),
      },
    })
    const words = ["AUTH", user, password]
    socket.write(`*3\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`)
    const answer = await promise
    socket.terminate()
    return answer
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "no-connection"
  }
}

async function visitPostgres(port: number, { user, password }: Login): Promise<string> {
  const client = new Bun.SQL({ adapter: "postgres", hostname: "127.0.0.1", port, username: user, password, database: "postgres", max: 1 })
  try {
    await client.unsafe("select 1")
    return "in"
  } catch (error) {
    return error instanceof Bun.SQL.PostgresError ? (error.errno ?? error.code) : "no-connection"
  } finally {
    await client.close()
  }
}

