import { writeFileSync } from "node:fs"
import { readLogin, visits } from "./visit.ts"

/**
 * A program as a deployment runs it, a process of its own: reads user and password from its .env,
 * logs in anew as fast as the server lets it, reads the file again at SIGHUP, is healthy when a
 * login with what it now holds was accepted. At SIGTERM it prints its tally. Argument: `Order` as
 * JSON.
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
  const health = Bun.serve({
    hostname: "127.0.0.1",
    port: order.health,
    fetch: () =>
      new Response("", { status: paused === undefined && proven === held.id ? 200 : 503 }),
  })

  const visit = visits[order.service]
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
  // Last: a process that waits for this file finds us ready.
  writeFileSync(order.pidFile, `${process.pid}\n`, { mode: 0o600 })
  await Promise.all(loops)
  await health.stop(true)
  const tally: Tally = {
    logins,
    failures,
    seconds: (performance.now() - began) / 1000,
    passwords: accepted.size,
    restarts,
  }
  process.stdout.write(JSON.stringify(tally))
}
