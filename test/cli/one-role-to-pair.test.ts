import { describe, expect, test } from "bun:test"
import { spawnSync } from "node:child_process"
import { postgresPair } from "../../src/cli/commands/postgres-pair.ts"
import { clientOf } from "../support/login.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { type Shop, configOf, openShop } from "../support/shop.ts"

/**
 * The way that `init --postgres-pair NAME --from ROLE` prints, followed to the word, under a
 * program that reads and writes its tables.
 */

describe.each(["system", "newer"] as const)("from one role to a pair, %s server", (which) => {
  test("fails no login and no statement, and the role ends as an owner that cannot log in", async () => {
    await using server = await startPostgres({ which })
    await using shop = await openShop(server)
    const { project, role, old } = shop
    await server.sql(
      `grant create on schema public to ${role}; alter role ${role} set search_path = public, ` +
        `pg_temp; alter role ${role} connection limit 50`,
    )
    project.write(".env", `POSTGRES_USER=${role}\n${project.read(".env")}`)
    project.write("api.loaded", project.read(".env"))
    await asRole(
      server,
      { user: role, password: old },
      "create table orders (id serial primary key, says text); insert into orders (says) values ('first')",
    )
    await shop.adopt()
    expect((await shop.run("rotate-now", "production")).code).toBe(0)
    await using load = startLoad(shop)

    // What the refusal of a config that only names a pair points to.
    const pair = `${role}_pair`
    toPair(shop, pair, `${pair}_owner`)
    const refused = await shop.run("rotate-now", "production", "--dry-run")
    expect(refused.stdout).toContain(`--from ${role}`)

    expect(stepsIn(postgresPair(pair, role).sql)).toEqual([
      "mycelium adopt ENV",
      "psql -v ON_ERROR_STOP=1",
      "commands at the end",
      "lines at the end",
      "mycelium rotate-now ENV",
      "NOLOGIN PASSWORD NULL",
    ])
    // 2
    const printed = await shop.run("init", "--postgres-pair", pair, "--from", role)
    expect(printed.code).toBe(0)
    await server.sql(printed.stdout)
    // 3, as it is printed; only where the file lies, and how the superuser logs in, are the test's own.
    const file = project.path("admin.password")
    const commands = postgresPair(pair, role)
      .setPassword.replaceAll(`/etc/mycelium/${pair}_rotator.password`, file)
      .replaceAll("/etc/mycelium", project.folder)
      .replaceAll("DATABASE", "postgres")
    const set = spawnSync("sh", ["-ec", commands], { env: superuserOf(shop) })
    expect(set.status, set.stderr.toString()).toBe(0)
    expect(postgresPair(pair, role).config).toContain(`owner: ${role}\n`)
    // 4
    toPair(shop, pair, role)
    // 5
    const dry = await shop.run("rotate-now", "production", "--dry-run")
    expect(dry.code, dry.stdout).toBe(0)
    const first = await shop.run("rotate-now", "production")
    expect(first.code, first.stdout + first.stderr).toBe(0)
    expect(first.stdout).toContain("is revoked")
    expect(project.variable("POSTGRES_USER")).toBe(`${pair}_blue`)
    expect(await shop.login(old)).not.toBe("in")
    // 6
    const before = await shop.run("rotate-now", "production")
    expect(before.stdout).toContain("owner-can-login")
    await server.sql(`alter role ${role} nologin password null`)
    for (const user of [`${pair}_green`, `${pair}_blue`]) {
      const ran = await shop.run("rotate-now", "production")
      expect(ran.code, ran.stdout + ran.stderr).toBe(0)
      expect(project.variable("POSTGRES_USER")).toBe(user)
    }
    await load.stop()
    expect(load.failed).toEqual([])
    expect(load.users).toEqual(new Set([role, `${pair}_blue`, `${pair}_green`]))
    expect(
      await server.sql("select distinct tableowner from pg_tables where schemaname = 'public'"),
    ).toEqual([{ tableowner: role }])
    expect(
      await server.sql(
        "select rolname, rolconnlimit, rolconfig::text like '%search_path=public, " +
          `pg_temp%' as path from pg_roles where rolname in ('${pair}_blue', ` +
          `'${pair}_green') order by 1`,
      ),
    ).toEqual(
      [`${pair}_blue`, `${pair}_green`].map((rolname) => ({
        rolname,
        rolconnlimit: 50,
        path: true,
      })),
    )
    const check = await shop.run("check", "--connect")
    expect(check.stdout).not.toMatch(/pair-|owner-/)
  }, 120_000)

  test("is refused for a role that is a superuser, and makes nothing", async () => {
    await using server = await startPostgres({ which })
    await server.sql("create role mighty login superuser")
    await expect(server.sql(postgresPair("mine", "mighty").sql)).rejects.toThrow("superuser")
    expect(await server.sql("select 1 from pg_roles where rolname like 'mine%'")).toEqual([])
  }, 60_000)
})

function toPair(shop: Shop, pair: string, owner: string): void {
  const { environments, ...config } = configOf(shop)
  const { production } = environments
  const postgres = {
    address: `postgresql://127.0.0.1:${shop.server.port}/postgres`,
    roles: [`${pair}_blue`, `${pair}_green`],
    owner,
    admin: { user: `${pair}_rotator`, password: { file: "admin.password" } },
    grace: "1s",
  }
  const output = {
    dotenv: ".env",
    merge: true,
    variables: {
      POSTGRES_USER: "{{ postgres.user }}",
      POSTGRES_PASSWORD: "{{ postgres.password }}",
    },
  }
  if (!shop.project.has("admin.password"))
    shop.project.write("admin.password", `${crypto.randomUUID()}\n`)
  shop.project.configure({
    ...config,
    environments: { production: { ...production, secrets: { postgres }, outputs: [output] } },
  })
}

type Login = { readonly user: string; readonly password: string }

async function asRole(
  server: PostgresServer,
  { user, password }: Login,
  sql: string,
): Promise<void> {
  const client = clientOf(server, user, password)
  try {
    await client.unsafe(sql)
  } finally {
    await client.close()
  }
}

type Load = AsyncDisposable & {
  readonly failed: readonly string[]
  readonly users: ReadonlySet<string>
  readonly stop: () => Promise<void>
}

/**
 * The program: logs in for each request by what it has loaded, reads, writes, alters, and makes
 * tables with sequences.
 */
function startLoad(shop: Shop): Load {
  const failed: string[] = []
  const users = new Set<string>()
  let going = true
  let last: Login = { user: "", password: "" }
  const work = async (): Promise<void> => {
    for (let count = 0; going; count++) {
      const [user] = /^POSTGRES_USER=(.+)\n/m.exec(shop.project.read("api.loaded"))?.slice(1) ?? []
      const [password] =
        /^POSTGRES_PASSWORD=(.+)\n/m.exec(shop.project.read("api.loaded"))?.slice(1) ?? []
      // The restart copies the file: half of it is no file.
      if (user !== undefined && password !== undefined) last = { user, password }
      users.add(last.user)
      const sql =
        "insert into orders (says) values ('again'); select count(*) from orders; " +
        `create table made_${count} (id serial primary key); insert into made_${count} default ` +
        `values; insert into made_${Math.max(0, count - 1)} default values; ` +
        `alter table orders add column c${count} int`
      await asRole(shop.server, last, sql).catch((error: unknown) =>
        failed.push(`${last.user}: ${String(error)}`),
      )
    }
  }
  const all = work()
  const stop = async (): Promise<void> => {
    going = false
    await all
  }
  return { failed, users, stop, [Symbol.asyncDispose]: stop }
}

/** What each numbered step of the printed way is about, in its order. */
function stepsIn(sql: string): readonly (string | undefined)[] {
  const about =
    /mycelium adopt ENV|psql -v ON_ERROR_STOP=1|(?:commands|lines) at the end|mycelium rotate-now ENV|NOLOGIN PASSWORD NULL/
  const head = sql.slice(0, sql.indexOf("BEGIN;"))
  return head
    .split(/^-- {3}\d\. /m)
    .slice(1)
    .map((step) => about.exec(step)?.[0])
}

function superuserOf({ server, project }: Shop): NodeJS.ProcessEnv {
  project.write("pgpass", `*:*:*:${server.superuser}:${server.password}\n`)
  return {
    ...server.programs.env,
    PATH: `${server.programs.bin}:/usr/bin:/bin`,
    PGHOST: server.socketFolder,
    PGPORT: String(server.port),
    PGUSER: server.superuser,
    PGPASSFILE: project.path("pgpass"),
  }
}
