import { chmod, mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { contain } from "../../src/incident/contain.ts"
import type { App } from "../../src/app/app.ts"
import { ActivityScope } from "../../src/base/activity-scope.ts"
import { KeyedSemaphore, mapConcurrently } from "../../src/base/semaphore.ts"
import { durableWrite } from "../../src/base/files/durable-write.ts"
import type { Credential, Driver, Versions } from "../../src/core/ports.ts"
import { seal, unseal } from "../../src/core/seal.ts"
import { Secret } from "../../src/core/secret.ts"
import type { SecretState } from "../../src/core/state.ts"
import { postgres } from "../../src/plugins/drivers/postgres/index.ts"
import { redis } from "../../src/plugins/drivers/redis/index.ts"
import { blankState, makeStateFolder, statePath, stateText } from "../../src/record/state-file.ts"
import { AgeVault } from "../../src/record/vault.ts"
import { type PostgresServer, startPostgres } from "../../test/support/servers/postgres.ts"
import { type RedisServer, startRedis } from "../../test/support/servers/redis.ts"
import { type Row, allInTurn, median } from "./measure.ts"
import { openProject } from "./project.ts"
import { newPassword } from "./services.ts"

/**
 * The worst day: everything is contained, on one PostgreSQL and one Redis; beside the acts that
 * containing takes, bare, as many at once, an admin's login shared alike: each value sealed and
 * set, older sessions ended, the durable writes, and every login that proves: a random wrong value
 * refused, the new one accepted, the old one refused, the new one accepted still. `bun
 * scripts/bench/contain.ts [SECRETS] [ENVIRONMENTS] [ROUNDS]`.
 */
export async function containRow(
  secrets: number,
  environments: number,
  rounds: number,
): Promise<Row> {
  // 18 shows that no login is under way; an older one has to be waited for, as long as it lets a login take.
  await using pg = await startPostgres({
    which: "newer",
    config: { authentication_timeout: "60s" },
  })
  await using cache = await startRedis()
  const each = Math.ceil(secrets / environments)
  const parts = (letter: string): readonly Part[] =>
    Array.from({ length: environments }, (_, part) => ({
      name: `${letter}${part}`,
      users: Array.from(
        { length: each },
        (_, index): User => ({
          user: `${letter}${part}_${index}`,
          secret: `s${index}`,
          on: index % 2 === 0 ? "postgres" : "redis",
          password: newPassword(),
        }),
      ),
    }))
  // Each round has secrets of its own: with versions that died before, a containment tries those again, too.
  const turns = Array.from({ length: rounds }, (_, round) => parts(`r${round}_`))
  const others = parts("bare")
  const names = turns.flat()
  const admin = await makeUsers(
    pg,
    cache,
    [...names, ...others].flatMap(({ users }) => users),
  )
  const optionsOf = ({ user, on }: User): Readonly<Record<string, unknown>> =>
    on === "postgres"
      ? {
          driver: "postgres",
          address: `postgresql://127.0.0.1:${pg.port}/postgres`,
          role: user,
          admin: { user: "rotator", password: { file: "pg.admin" } },
        }
      : {
          driver: "redis",
          address: `redis://127.0.0.1:${cache.port}`,
          user,
          admin: { user: cache.admin.user, password: { file: "redis.admin" } },
        }
  await using project = await openProject(
    () =>
      "rotate_every: never\n" +
      "environments: " +
      `${JSON.stringify(Object.fromEntries(names.map(({ name, users }) => [name, { secrets: Object.fromEntries(users.map((user) => [user.secret, optionsOf(user)])), outputs: [{ dotenv: `${name}.env`, variables: Object.fromEntries(users.map(({ secret }) => [secret.toUpperCase(), `{{ ${secret}.password }}`])) }] }])))}\n`,
  )
  const { app, folder } = project
  await writeFile(join(folder, "pg.admin"), `${admin}\n`, { mode: 0o600 })
  await writeFile(join(folder, "redis.admin"), `${cache.admin.password}\n`, { mode: 0o600 })
  for (const { name, users } of names) await writeState(app, name, users)

  // Bare in turn with ours, with users of its own: what the machine does besides hits all.
  await mkdir(join(folder, "bare"))
  const way = { app, folder, optionsOf, parts: others, shift: new ActivityScope() }
  let incidents = 0
  const count = each * environments
  const ours = async (): Promise<void> => {
    const mine = turns[incidents] ?? []
    const reports = await contain(app, new Map(mine.map(({ name }) => [name, undefined])), {
      incident: `bench-${++incidents}`,
      revokeFirst: false,
    })
    const done = reports.reduce(
      (sum, { revoked }) => sum + revoked.filter(({ death }) => death.kind === "dead").length,
      0,
    )
    if (done !== count)
      throw new Error(
        `${done} of ${count} contained: ` +
          `${JSON.stringify(reports.find(({ revoked, failed }) => failed !== undefined || revoked.some(({ death }) => death.kind !== "dead")) ?? reports[0]).slice(0, 2000)}`,
      )
  }
  const [oursMs = [], provenMs = [], halfMs = []] = await allInTurn(rounds, [
    ours,
    () => bare(way, "proven"),
    () => bare(way, "half"),
  ])
  const over = (limit: readonly number[]): number =>
    median(oursMs.map((took, round) => took / (limit[round] ?? Number.NaN)))
  const ratio = over(provenMs)
  return {
    row: `contain ${count} in ${environments}`,
    ours: `${(median(oursMs) / 1000).toFixed(1)} s`,
    limit: `${(median(provenMs) / 1000).toFixed(1)} s (same acts, logins and seals, bare)`,
    ratio,
    aim: "<= 1.3",
    met: ratio <= 1.3,
    note:
      `${rounds} rounds; ${app.config.perServer} at once a server; ` +
      `${(median(oursMs) / count).toFixed(1)} ms a secret; without seals, ` +
      "the wrong value and the second accepted login the bare acts take " +
      `${(median(halfMs) / 1000).toFixed(1)} s (ratio ${over(halfMs).toFixed(2)})`,
  }
}

type User = {
  readonly user: string
  readonly secret: string
  readonly on: "postgres" | "redis"
  password: string
}
type Part = { readonly name: string; readonly users: readonly User[] }

/** The password of PostgreSQL's admin. */
async function makeUsers(
  pg: PostgresServer,
  cache: RedisServer,
  all: readonly User[],
): Promise<string> {
  const admin = newPassword()
  await pg.sql(
    `CREATE ROLE rotator LOGIN CREATEROLE PASSWORD '${admin}'; ` +
      "GRANT pg_read_all_stats, pg_signal_backend TO rotator",
  )
  const roles = all.filter(({ on }) => on === "postgres")
  await pg.sql(
    roles
      .map(
        ({ user, password }) =>
          `CREATE ROLE ${user} LOGIN PASSWORD '${password}'; GRANT ${user} TO rotator WITH ADMIN OPTION`,
      )
      .join("; "),
  )
  for (const { user, password } of all.filter(({ on }) => on === "redis"))
    await cache.command("ACL", "SETUSER", user, "on", `>${password}`, "~*", "+@all")
  await cache.command("ACL", "SAVE")
  return admin
}

async function writeState(app: App, environment: string, users: readonly User[]): Promise<void> {
  const { store, project } = app.config
  const place = { store, project, environment }
  await makeStateFolder(place)
  const vault = new AgeVault(app.keys, place)
  const madeAt = app.host.now().toISOString()
  const secrets: Record<string, SecretState> = {}
  for (const { user, secret, on, password } of users) {
    const sealed = await vault.seal(secret, {
      version: "v1",
      fields: {
        user,
        password: new Secret("bench", password),
        ...(on === "postgres" ? { salt: new Secret("bench", newPassword()) } : {}),
      },
    })
    secrets[secret] = {
      driver: on,
      rotatedAt: madeAt,
      versions: [{ id: "v1", madeAt, stage: { kind: "current" }, ...sealed }],
    }
  }
  await writeFile(
    statePath(place),
    stateText({ ...blankState(place, environment), serial: 1, secrets }, app.keys.mac),
    { mode: 0o600 },
  )
  await chmod(statePath(place), 0o600)
}

type Way = {
  readonly app: App
  readonly folder: string
  readonly optionsOf: (user: User) => Readonly<Record<string, unknown>>
  readonly parts: readonly Part[]
  readonly shift: ActivityScope
}

/** The durable writes of a containment without restarts: generate, verdicts, promote, revoke, and a file. */
async function bare(way: Way, acts: Acts): Promise<void> {
  const { app, folder, parts } = way
  const turns = new KeyedSemaphore(app.config.perServer)
  const leave = way.shift.join()
  await mapConcurrently(8, parts, async ({ name, users }) => {
    const write = (): Promise<void> =>
      durableWrite(join(folder, "bare", `${name}.json`), "x".repeat(users.length * 1500))
    await write()
    await Promise.all(users.map((user) => turns.take(user.on, () => bareActs(way, user, acts))))
    await write()
    await durableWrite(join(folder, "bare", `${name}.env`), "x".repeat(users.length * 40))
    await write()
    await write()
  })
  leave()
}

/** "half": without seals, and without what it takes to know that a refusal means anything. */
type Acts = "proven" | "half"

async function bareActs(way: Way, user: User, acts: Acts): Promise<void> {
  const credential = (version: string, value: string): Credential => ({
    version,
    fields: {
      user: user.user,
      password: new Secret("bench", value),
      salt: new Secret("bench", newPassword()),
    },
  })
  const password = newPassword()
  // What is promised besides: the new value is sealed before the server learns it, and the old one is known.
  if (acts === "proven") {
    const sealed = await seal(way.app.keys.recipients, Buffer.from(password.padEnd(256)))
    await unseal(way.app.keys.identities, sealed)
  }
  const [old, next] = [credential("v1", user.password), credential("v2", password)]
  const driver = driverOf(way, user)
  const { signal } = new AbortController()
  const versions: Versions = { current: old, pending: next, uncertain: [] }
  if (
    acts === "proven" &&
    (await driver.probe(credential("control", newPassword()), signal)) !== "refused"
  )
    throw new Error("a wrong value was accepted")
  const { acceptedAt } = await driver.apply(next, versions, signal)
  const live = acceptedAt === undefined ? next : { ...next, acceptedAt }
  const accepted = await driver.probe(live, signal)
  await driver.revokeOthers?.(live, signal)
  const refused = await driver.probe(old, signal)
  if (accepted !== "accepted" || refused !== "refused")
    throw new Error(`bare acts went wrong: ${accepted} ${refused}`)
  if (acts === "proven" && (await driver.probe(live, signal)) !== "accepted")
    throw new Error("the new value was refused")
  user.password = password
}

function driverOf({ app, folder, optionsOf, shift }: Way, user: User): Driver {
  const { driver: _, ...options } = optionsOf(user)
  const file = user.on === "postgres" ? "pg.admin" : "redis.admin"
  const context = {
    host: app.host,
    label: "bench/bare",
    owner: "bench",
    folder,
    shift,
    credential: async () =>
      new Secret("bench", (await readFile(join(folder, file), "utf8")).trim()),
  }
  return user.on === "postgres"
    ? postgres.open(postgres.options.parse(options), context)
    : redis.open(redis.options.parse(options), context)
}

if (import.meta.main) {
  const [secrets = "1000", environments = "20", rounds = "1"] = process.argv.slice(2)
  const { row, ours, limit, ratio, aim, met, note } = await containRow(
    Number(secrets),
    Number(environments),
    Number(rounds),
  )
  process.stdout.write(
    `${met ? "met " : "MISS"}  ${row.padEnd(36)} ${ours.padEnd(22)} limit ${limit.padEnd(48)} ` +
      `ratio ${ratio.toFixed(2)} (${aim})  ${note}\n`,
  )
}
