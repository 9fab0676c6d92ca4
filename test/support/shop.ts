import { randomBytes } from "node:crypto"
import { layOut, type Project, type Ran } from "./mycelium.ts"
import type { KeyService } from "../plugins/drivers/exec/key-service.ts"
import {
  type Holder,
  type Service,
  execService,
  mariadbService,
  rabbitmqService,
  pairService,
  redisService,
  roleService,
} from "./shop-services.ts"
import { entryService, parameterService } from "./entry-service.ts"
import { StrictSsm } from "./strict-ssm.ts"
import type { OpenBaoServer } from "./servers/openbao.ts"
import type { PostgresServer } from "./servers/postgres.ts"
import type { MariadbServer } from "./servers/mariadb.ts"
import type { RabbitmqServer } from "./servers/rabbitmq.ts"
import type { RedisServer } from "./servers/redis.ts"

/**
 * A small shop around the binary: a PostgreSQL role, a .env with lines of its own, and a program
 * "api" that loads the .env when it is restarted and is healthy as long as it holds what the file
 * says. Beside a file "sick", it is healthy with the values of good.env only: with any new one, a
 * rotation must go back.
 */
export type ShopOptions = {
  readonly admin?: boolean
  readonly endSessions?: boolean
  /** A second secret, a second output and a second program that reads it. */
  readonly two?: boolean
  /**
   * Instead of a role of PostgreSQL: two in turn, a user of Redis, of a service behind a program, a
   * value that no service asks for.
   */
  readonly pair?: boolean
  readonly redis?: RedisServer
  readonly exec?: KeyService
  readonly mariadb?: MariadbServer
  readonly rabbitmq?: RabbitmqServer
  readonly generatedOnly?: boolean
  /** With `pair`: an entry there shows it, too. */
  readonly entry?: OpenBaoServer | StrictSsm
  /** Beside the role: a user of Redis. */
  readonly beside?: RedisServer
  /** Leave it without a value in .env: for --new. */
  readonly empty?: boolean
  /** Goes over the secret's options. */
  readonly secret?: Readonly<Record<string, unknown>>
  readonly old?: string
  /** How long a program may take to be healthy: "3s" if left out. A sick one takes as long. */
  readonly within?: string
}

export class Shop implements AsyncDisposable {
  readonly project: Project
  readonly server: PostgresServer
  readonly role: string
  readonly old: string
  readonly options: ShopOptions

  constructor(parts: {
    readonly project: Project
    readonly server: PostgresServer
    readonly role: string
    readonly old: string
    readonly options: ShopOptions
  }) {
    this.project = parts.project
    this.server = parts.server
    this.role = parts.role
    this.old = parts.old
    this.options = parts.options
  }

  run(...args: readonly string[]): Promise<Ran> {
    return this.project.mycelium(args)
  }
  /** "in", or the code of the refusal. */
  login(password: string, user = this.role): Promise<string> {
    return this.service.login({ user, password })
  }
  get service(): Service {
    return serviceOf(this)
  }
  /** All services that are asked for a login; none if no service is. */
  get services(): readonly Service[] {
    return servicesOf(this)
  }
  /** All that hold a value: the services, and the entries of a secret manager. */
  get holders(): readonly Holder[] {
    return this.services.flatMap((service) => [
      service,
      ...(service.entry === undefined ? [] : [service.entry]),
    ])
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
    const { generatedOnly, two, empty } = this.options
    const key = `SESSION_KEY=${empty ? "" : firstKey}`
    const lines = generatedOnly ? [key] : this.services.flatMap((service) => service.lines)
    this.project.write(
      ".env",
      `# the shop\nPORT=8080\n${lines.join("\n")}\nGREETING="hello, world"\n`,
    )
    if (two) this.project.write("session.env", `${key}\n`)
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
  for (const service of shop.services) await service.begin(project)
  hooks(project, "api", ".env")
  hooks(project, "web", "session.env")
  const config = configOf(shop)
  for (const service of shop.services) addOutputs(config, service.outputs?.(project) ?? [])
  project.configure(config)
  shop.writeEnv()
  return shop
}

function addOutputs({ environments }: Config, more: readonly object[]): void {
  const { outputs } = environments["production"] as { readonly outputs: object[] }
  outputs.push(...more)
}

type Parts = Pick<Shop, "server" | "role" | "options"> & { readonly old?: string }

function serviceOf(parts: Parts): Service {
  const { options } = parts
  const about = aboutOf(parts)
  if (options.redis !== undefined) return redisService(options.redis, about)
  if (options.mariadb !== undefined) return mariadbService(options.mariadb, about)
  if (options.rabbitmq !== undefined) return rabbitmqService(options.rabbitmq, about)
  if (options.exec !== undefined) return execService(options.exec, about)
  if (options.pair !== true) return roleService(about)
  const pair = pairService(about)
  if (options.entry === undefined) return pair
  return options.entry instanceof StrictSsm
    ? parameterService(pair, options.entry, `/shop/${about.role}`)
    : entryService(pair, options.entry, `shop/${about.role}`)
}

function servicesOf(parts: Parts): readonly Service[] {
  const { generatedOnly, beside } = parts.options
  if (generatedOnly) return []
  return beside === undefined
    ? [serviceOf(parts)]
    : [serviceOf(parts), redisService(beside, aboutOf(parts))]
}

function aboutOf({ server, role, options, old = "" }: Parts): Parameters<typeof roleService>[0] {
  return {
    server,
    role,
    old,
    empty: options.empty === true,
    admin: options.admin === true,
    endSessions: options.endSessions === true,
  }
}

/** The config as data: tests change it and write it again. */
export function configOf(parts: Parts): Config {
  const { options } = parts
  const services = servicesOf(parts)
  const key = { SESSION_KEY: "{{ session_key.password }}" }
  const first = {
    dotenv: ".env",
    merge: true,
    variables: Object.assign(
      {},
      ...(options.generatedOnly ? [key] : services.map(({ variables }) => variables)),
    ) as Readonly<Record<string, string>>,
  }
  return {
    project: "shop",
    environments: {
      production: {
        rotate_every: "90d",
        secrets: {
          ...Object.fromEntries(
            services.map((service, index) => [
              service.secret,
              { ...service.options, ...(index === 0 ? options.secret : {}) },
            ]),
          ),
          ...(options.two || options.generatedOnly ? { session_key: "generated" } : {}),
        },
        outputs: options.two
          ? [first, { dotenv: "session.env", merge: true, variables: key }]
          : [first],
        deployments: {
          api: deployment("api", ".env", options.within),
          ...(options.two ? { web: deployment("web", "session.env", options.within) } : {}),
        },
      },
    },
  }
}

export type Config = {
  readonly project: string
  readonly environments: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

function deployment(name: string, file: string, within = "3s"): object {
  return {
    command: [`./restart-${name}`],
    reads: [file],
    healthy: { command: [`./health-${name}`], within },
  }
}

function hooks(project: Project, name: string, file: string): void {
  project.script(`restart-${name}`, `cp ${file} ${name}.loaded`, `echo restarted >> ${name}.log`)
  project.script(
    `health-${name}`,
    `cmp -s ${file} ${name}.loaded || exit 1`,
    ...(name === "api" ? ["[ ! -e sick ] || cmp -s api.loaded good.env"] : []),
  )
}
