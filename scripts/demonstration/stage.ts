import { randomBytes } from "node:crypto"
import { existsSync, readdirSync } from "node:fs"
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { freePort } from "../../test/support/servers/free-port.ts"
import { type PostgresServer, startPostgres } from "../../test/support/servers/postgres.ts"
import { until } from "../../test/support/servers/until.ts"
import { postgresPrograms } from "../servers.ts"

/**
 * What stands on the stage: a server, an app with its `.env`, and a home in which Mycelium keeps
 * its key and its state.
 */
export type Stage = AsyncDisposable & {
  readonly server: PostgresServer
  readonly home: string
  /** The app's folder: `.env`, `mycelium.yaml`, `restart`, `shop.log`. */
  readonly folder: string
}

const root = join(import.meta.dir, "../..")

export async function setStage(home: string): Promise<Stage> {
  // Where the machine has no PostgreSQL, npm's: an ordinary user can have it too.
  const programs = await postgresPrograms(isInstalled() ? "system" : "newer")
  if (!programs.found) throw new Error(`no PostgreSQL: ${programs.why}`)
  const server = await startPostgres({ programs, config: { log_statement: "all" } })
  const folder = join(home, "shop")
  const stage = {
    server,
    home,
    folder,
    [Symbol.asyncDispose]: async () => {
      await endApp(folder)
      await server[Symbol.asyncDispose]()
    },
  }
  try {
    await mkdir(folder, { mode: 0o700 })
    await makeFiles(stage)
    await startApp(stage)
    return stage
  } catch (error) {
    await stage[Symbol.asyncDispose]()
    throw error
  }
}

function isInstalled(): boolean {
  const folder = "/usr/lib/postgresql"
  return (
    existsSync(folder) &&
    readdirSync(folder).some((version) => existsSync(join(folder, version, "bin/initdb")))
  )
}

/**
 * What an operator has before they hear of Mycelium: a role, a `.env` that all users can read, a way
 * to restart.
 */
async function makeFiles({ server, folder }: Stage): Promise<void> {
  const password = `hand-made-${randomBytes(9).toString("hex")}`
  const port = await freePort()
  await server.sql(`create role shop login password '${password}'`)
  await server.sql("create database shop owner shop")
  const env = [
    "# settings of the shop",
    "GREETING='good morning'",
    `POSTGRES_HOST=${server.host}`,
    `POSTGRES_PORT=${server.port}`,
    "POSTGRES_USER=shop",
    `POSTGRES_PASSWORD=${password}`,
    `HTTP_PORT=${port}`,
  ]
  await writeFile(join(folder, ".env"), `${env.join("\n")}\n`)
  await chmod(join(folder, ".env"), 0o644)
  await writeFile(join(folder, "restart"), restartScript, { mode: 0o700 })
  const config = await readFile(join(root, "config/demo.yaml"), "utf8")
  await writeFile(
    join(folder, "mycelium.yaml"),
    config.replace(":5432/", `:${server.port}/`).replace(":8080/", `:${port}/`),
  )
}

// The app takes the pid file away as the last thing it does. setsid: should the hook's time be
// over, the hook alone is ended.
const restartScript = `#!/bin/sh
pid=$(cat shop.pid 2> /dev/null) && kill -TERM "$pid"
while [ -e shop.pid ] && kill -0 "$pid"; do sleep 0.01; done
setsid ${quoted(process.execPath)} --env-file=.env ${quoted(join(import.meta.dir, "shop.ts"))} < /dev/null > shop.out 2>&1 &
echo $! > shop.pid
`

/** As a word of the shell, whatever folder this lies in. */
function quoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`
}

async function startApp({ folder }: Stage): Promise<void> {
  await Bun.spawn(["./restart"], {
    cwd: folder,
    env: { PATH: "/usr/bin:/bin" },
    stdio: ["ignore", "ignore", "ignore"],
  }).exited
  await until("the app to log in", async () =>
    (await readFile(join(folder, "shop.log"), "utf8").catch(() => "")).includes("login good")
      ? true
      : undefined,
  )
}

async function endApp(folder: string): Promise<void> {
  const pid = Number(await readFile(join(folder, "shop.pid"), "utf8").catch(() => "0"))
  if (pid <= 1) return
  send(pid, "SIGTERM")
  const ended = async (): Promise<true | undefined> =>
    existsSync(join(folder, "shop.pid")) && existsSync(`/proc/${pid}`) ? undefined : true
  // A signal that came before the app could listen ended it without a word.
  await until("the app to end", ended, 5000).catch(() => send(pid, "SIGKILL"))
}

function send(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // it is gone
  }
}
