import { createHash, randomBytes } from "node:crypto"
import { postgresPair } from "../../src/cli/commands/postgres-pair.ts"
import { program } from "../plugins/drivers/exec/harness.ts"
import type { KeyService } from "../plugins/drivers/exec/key-service.ts"
import { login } from "./login.ts"
import type { Project } from "./mycelium.ts"
import type { PostgresServer } from "./servers/postgres.ts"
import { bun } from "./running.ts"
import type { MariadbServer } from "./servers/mariadb.ts"
import type { RabbitmqServer } from "./servers/rabbitmq.ts"
import type { RedisServer } from "./servers/redis.ts"

export type Login = { readonly user: string; readonly password: string }

/** What holds a value. */
export interface Holder {
  /** Of its server, on loopback: where a run gives its orders. */
  readonly port: number
  /** In its own form, by user: a verifier, the words of a rule, a password. */
  held(): Promise<Held>
  /** Puts that back. Sessions that a killed run has left end. */
  hold(held: Held): Promise<void>
}

/** What the shop's api logs in to. */
export interface Service extends Holder {
  /** The secret's name in the config. */
  readonly secret: string
  readonly options: Readonly<Record<string, unknown>>
  /** Of .env, as a person has them before Mycelium. */
  readonly lines: readonly string[]
  readonly variables: Readonly<Record<string, string>>
  /** Makes the roles or users. */
  begin(project: Project): Promise<void>
  /** "in", or the word of the refusal. */
  login(login: Login): Promise<string>
  /** That word for a password that is wrong. */
  readonly refusal: string
  /** What .env shows now. */
  shown(project: Project): Login
  /** More outputs that show it, once it has begun. */
  outputs?(project: Project): readonly object[]
  /** What those show now, or what is wrong there. */
  shownElsewhere?(): Promise<Login | string>
  /** An entry of a secret manager that shows it. */
  readonly entry?: Holder
  /** Whether any login would be accepted at all. */
  holdsNothing(): Promise<boolean>
}

export type Held = Readonly<Record<string, readonly string[]>>

type About = {
  readonly server: PostgresServer
  readonly role: string
  readonly old: string
  readonly empty: boolean
  readonly admin: boolean
  readonly endSessions: boolean
}

/** One role of PostgreSQL, which changes its own password or has an admin. */
export function roleService({ server, role, old, empty, admin, endSessions }: About): Service {
  const own = admin || endSessions
  return {
    secret: "postgres",
    port: server.port,
    options: {
      address: addressOf(server),
      role,
      ...(own ? { admin: { user: `${role}_admin`, password: { file: "admin.password" } } } : {}),
      ...(endSessions ? { end_sessions: true } : {}),
    },
    lines: [`POSTGRES_PASSWORD=${empty ? "" : old}`],
    variables: { POSTGRES_PASSWORD: "{{ postgres.password }}" },
    begin: async (project) => {
      await server.sql(`create role ${role} login${empty ? "" : ` password '${old}'`}`)
      if (!own) return
      const password = makeAdminPassword(project)
      await server.sql(
        `create role ${role}_admin login createrole password '${password}'; ` +
          `grant ${role} to ${role}_admin with admin option; ` +
          `grant pg_read_all_stats, pg_signal_backend to ${role}_admin`,
      )
    },
    login: ({ user, password }) => login(server, user, password),
    refusal: "28P01",
    shown: (project) => ({ user: role, password: project.variable("POSTGRES_PASSWORD") }),
    holdsNothing: async () => isEmpty(await verifiers(server, [role])),
    held: () => verifiers(server, [role, `${role}_admin`]),
    hold: (held) => setVerifiers(server, held),
  }
}

/** Two roles in turn, as `mycelium init --postgres-pair` makes them; the old one is revoked at once. */
export function pairService({ server, role, old, empty }: About): Service {
  const roles = [`${role}_blue`, `${role}_green`]
  return {
    secret: "postgres",
    port: server.port,
    options: {
      address: addressOf(server),
      roles,
      owner: `${role}_owner`,
      admin: { user: `${role}_rotator`, password: { file: "admin.password" } },
      grace: "0s",
    },
    lines: empty
      ? ["POSTGRES_USER=", "POSTGRES_PASSWORD="]
      : [`POSTGRES_USER=${roles[0] ?? ""}`, `POSTGRES_PASSWORD=${old}`],
    variables: {
      POSTGRES_USER: "{{ postgres.user }}",
      POSTGRES_PASSWORD: "{{ postgres.password }}",
    },
    begin: async (project) => {
      await server.sql(postgresPair(role).sql)
      await server.sql(
        `${empty ? "" : `alter role ${roles[0] ?? ""} password '${old}'; `}alter role ` +
          `${role}_rotator password '${makeAdminPassword(project)}'`,
      )
    },
    login: ({ user, password }) => login(server, user, password),
    refusal: "28P01",
    shown: (project) => ({
      user: project.variable("POSTGRES_USER"),
      password: project.variable("POSTGRES_PASSWORD"),
    }),
    holdsNothing: async () => isEmpty(await verifiers(server, roles)),
    held: () => verifiers(server, [...roles, `${role}_rotator`]),
    hold: (held) => setVerifiers(server, held),
  }
}

/** A user of Redis, which holds two passwords for a while; the old one is revoked at once. */
export function redisService(redis: RedisServer, { role, old, empty }: About): Service {
  const rules = async (): Promise<readonly string[]> => {
    const lines = (await redis.command("ACL", "LIST")) as readonly string[]
    return (
      lines
        .find((line) => line.startsWith(`user ${role} `))
        ?.split(" ")
        .slice(2) ?? []
    )
  }
  const set = async (words: readonly string[]): Promise<void> => {
    await redis.command("ACL", "SETUSER", role, "reset", ...words)
    await redis.command("ACL", "SAVE")
  }
  return {
    secret: "redis",
    port: redis.port,
    options: {
      address: `redis://127.0.0.1:${redis.port}`,
      user: role,
      admin: { user: redis.admin.user, password: { file: "redis-admin.password" } },
      grace: "0s",
    },
    lines: [`REDIS_PASSWORD=${empty ? "" : old}`],
    variables: { REDIS_PASSWORD: "{{ redis.password }}" },
    begin: async (project) => {
      project.write("redis-admin.password", `${redis.admin.password}\n`)
      await set([
        "on",
        ...(empty ? [] : [`#${createHash("sha256").update(old).digest("hex")}`]),
        "~*",
        "+@all",
      ])
    },
    login: async (who) => {
      try {
        return (await redis.commandAs(who, "PING")) === "PONG" ? "in" : "odd"
      } catch (error) {
        return /^\w+/.exec(error instanceof Error ? error.message : "")?.[0] ?? "unknown"
      }
    },
    refusal: "WRONGPASS",
    shown: (project) => ({ user: role, password: project.variable("REDIS_PASSWORD") }),
    holdsNothing: async () => !(await rules()).some((word) => word.startsWith("#")),
    held: async () => ({ [role]: await rules() }),
    // It is off and without rules where there was no such user.
    hold: ({ [role]: words = [] }) => set(words),
  }
}

/** An account of MariaDB, which holds two passwords for a while; the old one is revoked at once. */
export function mariadbService(mariadb: MariadbServer, { role, old, empty }: About): Service {
  const account = `'${role}'@'%'`
  const hashes = async (): Promise<readonly string[]> => {
    const [row] = await mariadb.sql(
      `SELECT authentication_string AS hash FROM mysql.user WHERE User = '${role}'`,
    )
    const hash = row?.["hash"]
    return typeof hash === "string" && hash.startsWith("*") ? [hash] : []
  }
  const set = (hash = "invalid"): Promise<unknown> =>
    mariadb.sql(`ALTER USER ${account} IDENTIFIED VIA mysql_native_password USING '${hash}'`)
  return {
    secret: "mariadb",
    port: mariadb.port,
    options: {
      address: `mariadb://127.0.0.1:${mariadb.port}`,
      user: role,
      admin: { user: `${role}_a`, password: { file: "admin.password" } },
      grace: "0s",
    },
    lines: [`MARIADB_PASSWORD=${empty ? "" : old}`],
    variables: { MARIADB_PASSWORD: "{{ mariadb.password }}" },
    begin: async (project) => {
      await mariadb.sql(`CREATE USER ${account} IDENTIFIED BY '${old}'`)
      if (empty) await set()
      await mariadb.sql(`CREATE USER '${role}_a'@'%' IDENTIFIED BY '${makeAdminPassword(project)}'`)
      await mariadb.sql(`GRANT CREATE USER, PROCESS, CONNECTION ADMIN ON *.* TO '${role}_a'@'%'`)
      await mariadb.sql(`GRANT SELECT ON mysql.global_priv TO '${role}_a'@'%'`)
    },
    login: async ({ user, password }) => {
      const client = new Bun.SQL({
        adapter: "mysql",
        hostname: "127.0.0.1",
        port: mariadb.port,
        // Without one it asks for a database that the account may not enter.
        database: "information_schema",
        username: user,
        password,
        max: 1,
        connectionTimeout: 10,
      })
      try {
        await client.unsafe("SELECT 1")
        return "in"
      } catch (error) {
        return error instanceof Bun.SQL.MySQLError ? String(error.errno) : String(error)
      } finally {
        await client.close()
      }
    },
    refusal: "1045",
    shown: (project) => ({ user: role, password: project.variable("MARIADB_PASSWORD") }),
    holdsNothing: async () => (await hashes()).length === 0,
    held: async () => ({ [role]: await hashes() }),
    hold: async (held) => {
      // What a killed run has sent may land later.
      await mariadb.sql(`KILL USER '${role}_a'`)
      await set(held[role]?.[0])
    },
  }
}

/** A user of RabbitMQ, which holds one password; an admin sets it. */
export function rabbitmqService(rabbitmq: RabbitmqServer, { role, old, empty }: About): Service {
  const hash = async (): Promise<string> => {
    const { status, body } = await rabbitmq.api("GET", `users/${role}`)
    const said: unknown = status === 404 ? {} : JSON.parse(body)
    return typeof said === "object" && said !== null && "password_hash" in said
      ? String(said.password_hash)
      : ""
  }
  const set = (password_hash: string): Promise<unknown> =>
    rabbitmq.ask("PUT", `users/${role}`, { password_hash, tags: "" })
  return {
    secret: "rabbitmq",
    port: rabbitmq.port,
    options: {
      address: `http://127.0.0.1:${rabbitmq.port}`,
      amqp: `amqp://127.0.0.1:${rabbitmq.amqpPort}`,
      user: role,
      vhost: "/",
      admin: { user: `${role}_a`, password: { file: "admin.password" } },
    },
    lines: [`RABBITMQ_PASSWORD=${empty ? "" : old}`],
    variables: { RABBITMQ_PASSWORD: "{{ rabbitmq.password }}" },
    begin: async (project) => {
      await rabbitmq.user(role, old)
      if (empty) await set("")
      const password = makeAdminPassword(project)
      await rabbitmq.ask("PUT", `users/${role}_a`, { password, tags: "administrator" })
    },
    // Of a user without a tag the API says whether its password was right.
    login: async (who) => {
      const { body } = await rabbitmq.api("GET", "whoami", undefined, who)
      if (body.includes("Not management user")) return "in"
      return body.includes("Login failed") ? "refused" : "odd"
    },
    refusal: "refused",
    shown: (project) => ({ user: role, password: project.variable("RABBITMQ_PASSWORD") }),
    holdsNothing: async () => (await hash()) === "",
    held: async () => ({ [role]: [await hash()] }),
    hold: async ({ [role]: [held = ""] = [] }) => {
      await set(held)
    },
  }
}

/**
 * A user of a service that only a program knows; it holds two passwords for a while; the old one is
 * revoked at once.
 */
export function execService(keys: KeyService, { role, old, empty }: About): Service {
  const held = (user: string): readonly string[] => keys.users.get(user) ?? []
  return {
    secret: "key",
    port: Number(new URL(keys.url).port),
    options: {
      driver: "exec",
      command: [bun, program],
      env: { SERVICE: keys.url },
      user: role,
      holds: "two",
      grace: "0s",
    },
    lines: [`API_KEY=${empty ? "" : old}`],
    variables: { API_KEY: "{{ key.password }}" },
    begin: () => {
      if (!empty) keys.users.set(role, [old])
      return Promise.resolve()
    },
    login: ({ user, password }) =>
      Promise.resolve(held(user).includes(password) ? "in" : "refused"),
    refusal: "refused",
    shown: (project) => ({ user: role, password: project.variable("API_KEY") }),
    holdsNothing: () => Promise.resolve(held(role).length === 0),
    held: () => Promise.resolve({ [role]: held(role) }),
    hold: ({ [role]: passwords = [] }) => {
      keys.users.set(role, passwords)
      return Promise.resolve()
    },
  }
}

function addressOf(server: PostgresServer): string {
  return `postgresql://127.0.0.1:${server.port}/postgres`
}

function makeAdminPassword(project: Project): string {
  const password = `Admin-${randomBytes(9).toString("hex")}.1`
  project.write("admin.password", `${password}\n`)
  return password
}

/** Of each role whether it may log in, and its verifier if it has one. */
async function verifiers(server: PostgresServer, roles: readonly string[]): Promise<Held> {
  const rows = await server.sql(
    "select rolname, rolcanlogin, rolpassword from pg_authid where rolname in " +
      `(${roles.map((role) => `'${role}'`).join(", ")})`,
  )
  return Object.fromEntries(
    rows.map((row) => [
      String(row["rolname"]),
      [
        row["rolcanlogin"] === true ? "login" : "nologin",
        ...(typeof row["rolpassword"] === "string" ? [row["rolpassword"]] : []),
      ],
    ]),
  )
}

function isEmpty(held: Held): boolean {
  return Object.values(held).every(([, verifier]) => verifier === undefined)
}

async function setVerifiers(server: PostgresServer, held: Held): Promise<void> {
  const names = Object.keys(held)
    .map((role) => `'${role}'`)
    .join(", ")
  const back = Object.entries(held).map(
    ([role, [login = "login", verifier]]) =>
      `alter role ${role} ${login} password ${verifier === undefined ? "null" : `'${verifier}'`}`,
  )
  await server.sql(
    `select pg_terminate_backend(pid) from pg_stat_activity where usename in (${names})`,
  )
  await server.sql(back.join("; "))
}
