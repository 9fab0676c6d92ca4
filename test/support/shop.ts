import { randomBytes } from "node:crypto"
import { layOut, type Project, type Ran } from "./mycelium.ts"
import { login } from "./login.ts"
import type { PostgresServer } from "./servers/postgres.ts"

/**
 * A small shop around the binary: a PostgreSQL role, a .env with lines of its own, and a program "api" that loads the
 * .env when it is restarted and is healthy as long as it holds what the file says. Beside a file "sick", it is healthy
 * with the values of good.env only: with any new one, a rotation must go back.
 */
export type ShopOptions = {
  readonly admin?: boolean
  readonly endSessions?: boolean
  /** A second secret, a second output and a second program that reads it. */
  readonly two?: boolean
  /** Instead of a role of PostgreSQL. */
  readonly generatedOnly?: boolean
  /** Leave the role without a value in .env: for --new. */
  readonly empty?: boolean
  /** Goes over the secret's options. */
  readonly secret?: Readonly<Record<string, unknown>>
  readonly old?: string
}

export class Shop implements AsyncDisposable {
  readonly project: Project
  readonly server: PostgresServer
  readonly role: string
  readonly old: string
  readonly options: ShopOptions

  constructor(parts: { readonly project: Project; readonly server: PostgresServer; readonly role: string; readonly old: string; readonly options: ShopOptions }) {
    this.project = parts.project
    this.server = parts.server
    this.role = parts.role
    this.old = parts.old
    this.options = parts.options
  }

  run(...args: readonly string[]): Promise<Ran> {
    return this.project.mycelium(args)
  }
  login(password: string): Promise<string> {
    return login(this.server, this.role, password)
  }
  /** What .env shows now. */
  get shown(): string {
    return this.project.variable("POSTGRES_PASSWORD")
  }
  async setPassword(password: string): Promise<void> {
    await this.server.sql(`alter role ${this.role} password '${password}'`)
  }
  /** From now on the api is healthy with the present .env only. */
  sicken(): void {
    this.project.write("good.env", this.project.read(".env"))
    this.project.write("sick", "")
  }
  /** init and adopt; throws where that fails. */
  async adopt(): Promise<void> {
    for (const args of [["init"], ["adopt", "production"]]) {
      const { code, stdout, stderr } = await this.run(...args)
      if (code !== 0) throw new Error(`${args[0]} ended with ${code}: ${stdout}${stderr}`)
    }
  }
  /** Written as a person has it, before Mycelium. */
  writeEnv(): void {
    const { empty, generatedOnly, two } = this.options
    const postgres = generatedOnly ? "" : `POSTGRES_PASSWORD=${empty ? "" : this.old}\n`
    this.project.write(".env", `# the shop\nPORT=8080\n${postgres}${generatedOnly ? `SESSION_KEY=${firstKey}\n` : ""}GREETING="hello, world"\n`)
    if (two) this.project.write("session.env", `SESSION_KEY=${firstKey}\n`)
    this.project.write("api.loaded", this.project.read(".env"))
    if (two) this.project.write("web.loaded", this.project.read("session.env"))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.project[Symbol.asyncDispose]()
  }
}

export const firstKey = "First-session-key.0123456789abc"

/** Lays it out; nothing is adopted yet. */
export async function openShop(server: PostgresServer, options: ShopOptions = {}): Promise<Shop> {
  const role = `shop_${randomBytes(4).toString("hex")}`
  const old = options.old ?? `Old-${randomBytes(9).toString("hex")}.1`
  const project = await layOut()
  const shop = new Shop({ project, server, role, old, options })
  if (!options.generatedOnly) await makeRoles(shop)
  hooks(project, "api", ".env")
  hooks(project, "web", "session.env")
  project.configure(configOf(shop))
  shop.writeEnv()
  return shop
}

async function makeRoles({ server, role, old, project, options }: Shop): Promise<void> {
  await server.sql(`create role ${role} login${options.empty ? "" : ` password '${old}'`}`)
  if (!options.admin && !options.endSessions) return
  const password = `Admin-${randomBytes(9).toString("hex")}.1`
  await server.sql(`create role ${role}_admin login createrole password '${password}'; grant ${role} to ${role}_admin with admin option; grant pg_read_all_stats, pg_signal_backend to ${role}_admin`)
  project.write("admin.password", `${password}\n`)
}

/** The config as data: tests change it and write it again. */
export function configOf({ server, role, options }: Pick<Shop, "server" | "role" | "options">): Config {
  const address = `postgresql://127.0.0.1:${server.port}/postgres`
  const admin = options.admin || options.endSessions ? { admin: { user: `${role}_admin`, password: { file: "admin.password" } } } : {}
  const postgres = { address, role, ...admin, ...(options.endSessions ? { end_sessions: true } : {}), ...options.secret }
  const key = { SESSION_KEY: "{{ session_key.password }}" }
  const password = { POSTGRES_PASSWORD: "{{ postgres.password }}" }
  const first = { dotenv: ".env", merge: true, variables: options.generatedOnly ? key : password }
  return {
    project: "shop",
    environments: {
      production: {
        rotate_every: "90d",
        secrets: { ...(options.generatedOnly ? {} : { postgres }), ...(options.two || options.generatedOnly ? { session_key: "generated" } : {}) },
        outputs: options.two ? [first, { dotenv: "session.env", merge: true, variables: key }] : [first],
        deployments: { api: deployment("api", ".env"), ...(options.two ? { web: deployment("web", "session.env") } : {}) },
      },
    },
  }
}

export type Config = { readonly project: string; readonly environments: Readonly<Record<string, Readonly<Record<string, unknown>>>> }

function deployment(name: string, file: string): object {
  return { command: [`./restart-${name}`], reads: [file], healthy: { command: [`./health-${name}`], within: "1s" } }
}

function hooks(project: Project, name: string, file: string): void {
  project.script(`restart-${name}`, `cp ${file} ${name}.loaded`, `echo restarted >> ${name}.log`)
  project.script(`health-${name}`, `cmp -s ${file} ${name}.loaded || exit 1`, ...(name === "api" ? ["[ ! -e sick ] || cmp -s api.loaded good.env"] : []))
}
