import { readLogin, visits } from "./visit.ts"

/**
 * Clients, in a process of their own: each has a `.env`, reads it before each login, logs in with
 * what stands there, and hangs up; one after the other, as fast as the server lets it. Says when
 * each was let in for the first time; at SIGTERM its tally. Argument: `Order` as JSON.
 */
type Order = {
  readonly service: keyof typeof visits
  readonly port: number
  readonly files: readonly string[]
}

export type Clients = {
  readonly logins: number
  /** How often each answer came that was no yes. */
  readonly failures: Readonly<Record<string, number>>
  readonly seconds: number
  /** With how many values each client was let in. */
  readonly values: readonly number[]
}

/** What clients of these files saw while `act` ran. */
export async function withClients(order: Order, act: () => Promise<void>): Promise<Clients> {
  const child = Bun.spawn([process.execPath, import.meta.path, JSON.stringify(order)], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  })
  const said = child.stdout.pipeThrough(new TextDecoderStream()).getReader()
  try {
    if ((await said.read()).value !== "in\n") throw new Error("the clients of the bench ended")
    await act()
    child.kill("SIGTERM")
    let text = ""
    for (let part = await said.read(); !part.done; part = await said.read()) text += part.value
    return JSON.parse(text) as Clients
  } finally {
    child.kill("SIGKILL")
    await child.exited
  }
}

async function main({ service, port, files }: Order): Promise<void> {
  const clients = files.map((file) => ({ file, seen: new Set<string>() }))
  const failures: Record<string, number> = {}
  const stop = new AbortController()
  process.on("SIGTERM", () => stop.abort())
  let logins = 0
  const visit = async ({ file, seen }: (typeof clients)[number]): Promise<void> => {
    const login = readLogin(file)
    const answer = await visits[service](port, login)
    if (answer === "in") {
      logins++
      seen.add(login.id)
    } else failures[answer] = (failures[answer] ?? 0) + 1
  }
  await Promise.all(clients.map(visit))
  if (logins < clients.length)
    throw new Error(`not every client was let in at first: ${JSON.stringify(failures)}`)
  process.stdout.write("in\n")
  const began = performance.now()
  logins = 0
  const loop = async (client: (typeof clients)[number]): Promise<void> => {
    while (!stop.signal.aborted) await visit(client)
  }
  await Promise.all(clients.map(loop))
  const tally: Clients = {
    logins,
    failures,
    seconds: (performance.now() - began) / 1000,
    values: clients.map(({ seen }) => seen.size),
  }
  process.stdout.write(JSON.stringify(tally))
}

if (import.meta.main) await main(JSON.parse(process.argv[2] ?? "{}") as Order)
