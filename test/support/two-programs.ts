import { randomBytes } from "node:crypto"
import { type Project, type Ran, layOut } from "./mycelium.ts"
import { type Service, redisService, roleService } from "./shop-services.ts"
import type { PostgresServer } from "./servers/postgres.ts"
import type { RedisServer } from "./servers/redis.ts"

/**
 * A role of PostgreSQL (`pg`), a user of Redis with a grace (`rd`) and a value that no service asks
 * for (`key`): all in one `.env` that two programs, `a` and `b`, read. Adopted.
 */
export type TwoPrograms = AsyncDisposable & {
  readonly project: Project
  readonly role: string
  readonly pg: Service
  readonly rd: Service
  /** The config with these options of the environment over its own. */
  configure(over?: Readonly<Record<string, unknown>>): void
  run(...args: readonly string[]): Promise<Ran>
  /** Of one of the two: the command, and its only act. */
  script(name: "a" | "b", ...lines: readonly string[]): void
  /** The programs restart as they should. */
  restarts(): void
}

export async function openTwoPrograms(
  { postgres, redis }: { readonly postgres: PostgresServer; readonly redis: RedisServer },
  { grace = "5s" }: { readonly grace?: string } = {},
): Promise<TwoPrograms> {
  const project = await layOut()
  const role = `shop_${randomBytes(4).toString("hex")}`
  const about = {
    server: postgres,
    role,
    old: `Old-${randomBytes(9).toString("hex")}.1`,
    empty: false,
    admin: true,
    endSessions: false,
  }
  const pg = roleService(about)
  const rd = redisService(redis, about)
  for (const service of [pg, rd]) await service.begin(project)
  const key = `Key-${randomBytes(16).toString("hex")}.1`
  project.write(".env", `${[...pg.lines, ...rd.lines, `APP_KEY=${key}`].join("\n")}\n`)
  const base = {
    rotate_every: "90d",
    secrets: {
      pg: { driver: "postgres", ...pg.options },
      rd: { driver: "redis", ...rd.options, grace },
      key: "generated",
    },
    outputs: [
      {
        dotenv: ".env",
        merge: true,
        variables: {
          POSTGRES_PASSWORD: "{{ pg.password }}",
          REDIS_PASSWORD: "{{ rd.password }}",
          APP_KEY: "{{ key.password }}",
        },
      },
    ],
    deployments: deployments(["a", "b"]),
  }
  const two: TwoPrograms = {
    project,
    role,
    pg,
    rd,
    configure: (over = {}) =>
      project.configure({ project: "shop", environments: { prod: { ...base, ...over } } }),
    run: (...args) => project.mycelium(args),
    script: (name, ...lines) => void project.script(`restart-${name}`, ...lines),
    restarts: () => {
      for (const name of ["a", "b"] as const) two.script(name, `cp .env ${name}.loaded`)
    },
    [Symbol.asyncDispose]: () => project[Symbol.asyncDispose](),
  }
  two.configure()
  two.restarts()
  for (const args of [["init"], ["adopt", "prod"]]) {
    const { code, stdout, stderr } = await two.run(...args)
    if (code !== 0) throw new Error(`${args[0]} ended with ${code}: ${stdout}${stderr}`)
  }
  return two
}

export function deployments(names: readonly string[]): Readonly<Record<string, object>> {
  return Object.fromEntries(
    names.map((name) => [name, { command: [`./restart-${name}`], reads: [".env"] }]),
  )
}

/** The lines of a program that kills the run which restarts it. */
export const killsTheRun = ['kill -9 "$PPID"', "exit 1"]
