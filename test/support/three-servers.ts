import { randomBytes } from "node:crypto"
import { type Project, layOut } from "./mycelium.ts"
import { firstKey } from "./shop.ts"
import { type Service, redisService, roleService } from "./shop-services.ts"
import { type PostgresServer, startPostgres } from "./servers/postgres.ts"
import { type RedisServer, startRedis } from "./servers/redis.ts"
import { serversOfFile } from "./servers-of-file.ts"

/**
 * Four secrets on three servers (and on none), each in a file of its own with a program that reads
 * it; adopted.
 */

export type Servers = {
  readonly postgres: PostgresServer
  readonly other: PostgresServer
  readonly redis: RedisServer
}
export type Estate = AsyncDisposable & {
  readonly project: Project
  readonly services: Readonly<Record<string, Service>>
  readonly olds: Readonly<Record<string, string>>
}

/** The three servers, for all tests of the file that calls it. */
export function openThreeServers(): Servers {
  return serversOfFile({ postgres: startPostgres, other: startPostgres, redis: startRedis })
}

export const secretNames = ["postgres", "orders", "redis", "session_key"] as const

export async function openEstate(
  { postgres, other, redis }: Servers,
  more: Readonly<Record<string, unknown>> = {},
): Promise<Estate> {
  const project = await layOut()
  const about = (server: PostgresServer, name: string): Parameters<typeof roleService>[0] => ({
    server,
    role: `${name}_${randomBytes(4).toString("hex")}`,
    old: `Old-${randomBytes(9).toString("hex")}.1`,
    empty: false,
    admin: false,
    endSessions: false,
  })
  const parts = {
    postgres: { ...about(postgres, "shop"), endSessions: true },
    orders: about(other, "orders"),
    redis: about(postgres, "cache"),
  }
  const services: Readonly<Record<string, Service>> = {
    postgres: roleService(parts.postgres),
    orders: roleService(parts.orders),
    redis: redisService(redis, parts.redis),
  }
  for (const service of Object.values(services)) await service.begin(project)
  const variables: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    postgres: { POSTGRES_PASSWORD: "{{ postgres.password }}" },
    orders: { ORDERS_PASSWORD: "{{ orders.password }}" },
    redis: { REDIS_PASSWORD: "{{ redis.password }}" },
    session_key: { SESSION_KEY: "{{ session_key.password }}" },
  }
  const olds: Readonly<Record<string, string>> = {
    postgres: parts.postgres.old,
    orders: parts.orders.old,
    redis: parts.redis.old,
    session_key: firstKey,
  }
  for (const name of secretNames) {
    project.write(`${name}.env`, `${Object.keys(variables[name] ?? {})[0]}=${olds[name]}\n`)
    project.write(`${name}.loaded`, project.read(`${name}.env`))
    project.script(`restart-${name}`, `cp ${name}.env ${name}.loaded`)
    project.script(`health-${name}`, `cmp -s ${name}.env ${name}.loaded`)
  }
  const secrets = {
    postgres: services["postgres"]?.options,
    orders: { driver: "postgres", ...services["orders"]?.options },
    redis: services["redis"]?.options,
    session_key: "generated",
  }
  project.configure({
    project: "shop",
    environments: {
      production: {
        rotate_every: "90d",
        secrets,
        outputs: secretNames.map((name) => ({
          dotenv: `${name}.env`,
          merge: true,
          variables: variables[name],
        })),
        // The last one has no health check.
        deployments: Object.fromEntries(
          secretNames.map((name) => [
            name,
            {
              command: [`./restart-${name}`],
              reads: [`${name}.env`],
              ...(name === "session_key"
                ? {}
                : { healthy: { command: [`./health-${name}`], within: "5s" } }),
            },
          ]),
        ),
        ...more,
      },
    },
  })
  for (const args of [["init"], ["adopt", "production"]]) {
    const { code, stdout, stderr } = await project.mycelium(args)
    if (code !== 0) throw new Error(`${args[0]} ended with ${code}: ${stdout}${stderr}`)
  }
  return { project, services, olds, [Symbol.asyncDispose]: () => project[Symbol.asyncDispose]() }
}

/** What the service of `secret` says to its first value: "in", or the word of its refusal. */
export function loginWithOld({ services, olds }: Estate, secret: string): Promise<string> {
  const service = services[secret]
  if (service === undefined) throw new Error(`no service of ${secret}`)
  return service.login({
    user: String(service.options["role"] ?? service.options["user"]),
    password: olds[secret] ?? "",
  })
}
