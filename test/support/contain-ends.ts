import { bun } from "./running.ts"
import { json } from "./mycelium.ts"
import { KeyService } from "../plugins/drivers/exec/key-service.ts"
import { program } from "../plugins/drivers/exec/harness.ts"
import { type MariadbServer, startMariadb } from "./servers/mariadb.ts"
import { type PostgresServer, startPostgres } from "./servers/postgres.ts"
import { type RedisServer, startRedis } from "./servers/redis.ts"
import { type Shop, type ShopOptions, openShop } from "./shop.ts"

/**
 * A containment of one secret of each kind, however it may end, and what is said of it by
 * everything that speaks of it.
 */

export type Servers = AsyncDisposable & {
  readonly postgres: PostgresServer
  readonly redis: RedisServer
  readonly mariadb: MariadbServer
  readonly two: KeyService
  readonly one: KeyService
}

export async function startServers(): Promise<Servers> {
  const [postgres, redis, mariadb, two, one] = await Promise.all([
    startPostgres(),
    startRedis(),
    startMariadb(),
    KeyService.start(2),
    KeyService.start(1),
  ])
  return {
    postgres,
    redis,
    mariadb,
    two,
    one,
    [Symbol.asyncDispose]: async () =>
      void (await Promise.all(
        [postgres, redis, mariadb, two, one].map((server) => server[Symbol.asyncDispose]()),
      )),
  }
}

/** role: changes its own password. The programs of exec can end sessions, unless a test says otherwise. */
export const kinds = [
  "role",
  "role with an admin",
  "pair",
  "redis",
  "mariadb",
  "exec, two values",
  "exec, one value",
  "generated",
] as const
export type Kind = (typeof kinds)[number]

export async function open(servers: Servers, kind: Kind, more: ShopOptions = {}): Promise<Shop> {
  const { postgres, redis, mariadb } = servers
  const exec = (keys: KeyService, holds: string): ShopOptions => ({
    exec: keys,
    secret: {
      command: [bun, program],
      env: { SERVICE: keys.url, ENDS: "true" },
      holds,
      ...(holds === "one" ? { grace: undefined } : {}),
      ...more.secret,
    },
  })
  const options: Readonly<Record<Kind, ShopOptions>> = {
    role: {},
    "role with an admin": { admin: true },
    pair: { pair: true },
    redis: { redis },
    mariadb: { mariadb },
    "exec, two values": exec(servers.two, "two"),
    "exec, one value": exec(servers.one, "one"),
    generated: { generatedOnly: true },
  }
  const shop = await openShop(postgres, { ...more, ...options[kind] })
  if (kind === "pair") await postgres.sql(`grant pg_signal_backend to ${shop.role}_rotator`)
  return shop
}

/** Another person sets another password at the service, over the present one. */
export async function change(
  servers: Servers,
  kind: Kind,
  { role }: Shop,
  password: string,
): Promise<void> {
  if (kind === "generated") return
  if (kind === "redis")
    return void (await servers.redis.command("ACL", "SETUSER", role, "resetpass", `>${password}`))
  if (kind === "mariadb")
    return void (await servers.mariadb.sql(`ALTER USER '${role}'@'%' IDENTIFIED BY '${password}'`))
  if (kind === "exec, two values") return void servers.two.users.set(role, [password])
  if (kind === "exec, one value") return void servers.one.users.set(role, [password])
  await servers.postgres.sql(
    `alter role ${kind === "pair" ? `${role}_blue` : role} password '${password}'`,
  )
}

export const secretOf: Readonly<Record<Kind, string>> = {
  role: "postgres",
  "role with an admin": "postgres",
  pair: "postgres",
  redis: "redis",
  mariadb: "mariadb",
  "exec, two values": "key",
  "exec, one value": "key",
  generated: "session_key",
}

export const incident = "leak-7"
export const contain = ["rotate-now", "production", "--contain", "--yes", "--incident", incident]

/** What is said of a containment by the run, --json, status, plan, check and the report. */
export type End = {
  readonly exit: number | undefined
  /** The run's last sentence, without its time. */
  readonly last: string
  /** The first of its lines that speaks of the secret and says why. */
  readonly why: string
  /**
   * Of status, plan and check: "fine", "not contained", "an output is owed" or "a restart is owed".
   * They must agree.
   */
  readonly told: string
  readonly report: string
  readonly reportExit: number | undefined
}

export async function endOf(shop: Shop, args: readonly string[] = contain): Promise<End> {
  const ran = await shop.run(...args)
  const said = await saidOf(shop)
  const lines = ran.stdout.split("\n")
  const last =
    (
      lines.find((line) => line.startsWith(`${incident}: `)) ??
      ran.stderr.split("\n").find((line) => line.startsWith("mycelium: ")) ??
      ""
    )
      .replace(/, in [\d.]+ s/, "")
      .split(/[;.] (?=of |The )/)[0] ?? ""
  const why =
    [...lines.join("\n").matchAll(/\(([a-z-]+)\)(?: *$|;)/gm)].map(([, code]) => code).join(" ") ||
    (/BUT (.*) did not get healthy/.test(ran.stdout) ? "unhealthy" : "")
  return { exit: ran.code, last: last.replace(/\.$/, ""), why, ...said }
}

async function saidOf(shop: Shop): Promise<Pick<End, "told" | "report" | "reportExit">> {
  const [status, plan, check, report] = await Promise.all([
    shop.run("status"),
    shop.run("plan"),
    shop.run("check", "--quick"),
    shop.run("report", incident),
  ])
  const told = [status, plan, check].map(({ stdout }) => {
    if (/NOT contained/.test(stdout)) return "not contained"
    if (/is not written since/.test(stdout)) return "an output is owed"
    return /not restarted since/.test(stdout) ? "a restart is owed" : "fine"
  })
  return {
    told: [...new Set(told)].join(" and "),
    report:
      /\*\*(Contained: .*?)[.;:] /.exec(report.stdout)?.[1] ??
      /Contained: [a-zA-Z]+(?: yet)?/.exec(report.stdout)?.[0] ??
      report.stderr.split("\n")[0] ??
      "",
    reportExit: report.code,
  }
}

/** What --json says of it in a second run of the same incident. */
export async function verdictsOf(
  shop: Shop,
): Promise<{ readonly exit: number | undefined; readonly kind: readonly string[] }> {
  const ran = await shop.run(...contain, "--json")
  const { reports } = json<{
    readonly reports: readonly {
      readonly secrets: Readonly<Record<string, { readonly kind: string }>>
    }[]
  }>(ran)
  return {
    exit: ran.code,
    kind: reports.flatMap(({ secrets }) => Object.values(secrets).map(({ kind }) => kind)),
  }
}

/** For the table: by kind. */
export async function each<T>(
  of: readonly Kind[],
  act: (kind: Kind) => Promise<T>,
): Promise<Readonly<Record<string, T>>> {
  const rows: (readonly [Kind, T])[] = []
  // Two at a time: each is a chain of processes, and machines are small.
  const rest = [...of]
  const worker = async (): Promise<void> => {
    for (let kind = rest.shift(); kind !== undefined; kind = rest.shift())
      rows.push([kind, await act(kind)])
  }
  await Promise.all([worker(), worker(), worker()])
  return Object.fromEntries(of.flatMap((kind) => rows.filter(([name]) => name === kind)))
}
