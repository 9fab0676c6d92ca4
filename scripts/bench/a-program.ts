import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { adopt } from "../../src/repair/adopt.ts"
import { freePort } from "../../test/support/servers/free-port.ts"
import { until } from "../../test/support/until.ts"
import { type OpenProject, openProject } from "./project.ts"
import type { Order, Tally } from "./program.ts"

export type Service = {
  readonly kind: Order["service"]
  readonly port: number
  /** The driver's options, as YAML in one line. */
  readonly options: string
  readonly login: { readonly user: string; readonly password: string }
  /** The file that `options` names for the admin's password, and what it holds. */
  readonly admin?: { readonly file: string; readonly password: string }
}
export type Running = OpenProject & { /** Ends the program; what it saw. */ stop(): Promise<Tally> }

export async function writeAdmin(folder: string, { admin }: Service): Promise<void> {
  if (admin !== undefined)
    await writeFile(join(folder, admin.file), `${admin.password}\n`, { mode: 0o600 })
}

/**
 * A project of one secret whose value is adopted, and a program that reads its .env, logs in all
 * the time and restarts by SIGHUP.
 */
export async function withProgram(
  service: Service,
  how: Pick<Order, "sideBySide" | "restartMs">,
): Promise<Running> {
  const health = await freePort()
  const project = await openProject(
    () => `environments:
  one:
    rotate_every: never
    secrets: { it: { driver: ${service.kind}, ${service.options} } }
    outputs: [{ dotenv: program.env, variables: { USER: "{{ it.user }}", PASSWORD: "{{ it.password }}" } }]
    deployments: { program: { signal: { pid_file: program.pid, name: HUP }, healthy: { http: "http://127.0.0.1:${health}/", within: 20s } } }
`,
  )
  const { folder, app } = project
  await writeFile(
    join(folder, "program.env"),
    `USER=${service.login.user}\nPASSWORD=${service.login.password}\n`,
    { mode: 0o600 },
  )
  await writeAdmin(folder, service)
  const order: Order = {
    ...how,
    service: service.kind,
    port: service.port,
    health,
    envFile: join(folder, "program.env"),
    pidFile: join(folder, "program.pid"),
  }
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dirname, "program.ts"), JSON.stringify(order)],
    { stdin: "ignore", stdout: "pipe", stderr: "inherit" },
  )
  const healthy = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${health}/`).then(
      ({ ok }) => ok,
      () => false,
    )
  try {
    await until("the program to log in", async () => {
      if (child.exitCode !== null) throw new Error("the program of the bench ended")
      return healthy()
    })
    const adopted = (await adopt(app, "one"))["it"]
    if (adopted?.kind !== "adopted") throw new Error(`not adopted: ${JSON.stringify(adopted)}`)
  } catch (error) {
    child.kill("SIGKILL")
    await project[Symbol.asyncDispose]()
    throw error
  }
  return {
    app,
    folder,
    stop: async () => {
      child.kill("SIGTERM")
      const text = await new Response(child.stdout).text()
      await child.exited
      return JSON.parse(text) as Tally
    },
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL")
      await child.exited
      await project[Symbol.asyncDispose]()
    },
  }
}
