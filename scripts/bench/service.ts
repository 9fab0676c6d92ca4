import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { adopt } from "../../src/repair/adopt.ts"
import type { App } from "../../src/app/app.ts"
import { rotateNow } from "../../src/app/rotate-now.ts"
import { randomText } from "../../src/base/text/random-text.ts"
import { ActivityScope } from "../../src/base/activity-scope.ts"
import { run } from "../../src/base/processes/spawn.ts"
import type { Credential, Driver, Versions } from "../../src/core/ports.ts"
import { Secret } from "../../src/core/secret.ts"
import { readReference } from "../../src/plugins/references/index.ts"
import { type PostgresServer, startPostgres } from "../../test/support/servers/postgres.ts"
import { startRedis } from "../../test/support/servers/redis.ts"
import { type Service, writeAdmin } from "./a-program.ts"
import { runOf, startBareGo } from "./bare-go.ts"
import { bareRotation } from "./bare.ts"
import { type Row, aSecond, allInTurn, besideGo, median, ms, shareOf } from "./measure.ts"
import { type OpenBao, startOpenBao } from "./openbao.ts"
import { openProject } from "./project.ts"
import { pairService, redisService, roleService } from "./services.ts"

type Rounds = { readonly rounds: number; readonly each: number }
/** A login of its own, by number. */
type Make = (number: number) => Promise<Service>

/**
 * Rotations a second of real services, one and eight environments at once, beside the same
 * statements, logins and durable acts, bare.
 */
export async function serviceRows(how: Rounds): Promise<readonly Row[]> {
  const rows: Row[] = []
  await using postgres = await startPostgres({ config: { max_connections: "200" } })
  await using redis = await startRedis()
  const bao = await startOpenBao()
  await using _peer = "why" in bao ? undefined : bao
  const kinds: readonly (readonly [string, number, Make])[] = [
    ["postgres, one role", 0.85, (number) => roleService(postgres, `role${number}`)],
    ["postgres, a pair", 0.85, (number) => pairService(postgres, `pair${number}`, "0s")],
    ["redis", 0.8, (number) => redisService(redis, `user${number}`, "0s")],
  ]
  for (const [name, aim, make] of kinds) {
    let number = rows.length * 100
    const fresh = (): Promise<Service> => make(number++)
    for (const atOnce of [1, 8])
      rows.push(
        await serviceRow(`${name}, ${atOnce} at once`, aim, fresh, {
          rounds: how.rounds,
          each: Math.ceil(how.each / (atOnce === 1 ? 1 : 4)),
          atOnce,
        }),
      )
  }
  return rows.length < 2
    ? rows
    : [...(await withPeer(rows.slice(0, 2), bao, postgres, how)), ...rows.slice(2)]
}

/**
 * OpenBao's static roles on the same server, one and eight at once; not in turn with ours, for it
 * would still be at work when they begin.
 */
async function withPeer(
  rows: readonly Row[],
  bao: OpenBao | { readonly why: string },
  server: PostgresServer,
  { rounds, each }: Rounds,
): Promise<readonly Row[]> {
  if ("why" in bao) return rows.map((row) => ({ ...row, peer: `no OpenBao here: ${bao.why}` }))
  const roles = Array.from({ length: 8 }, (_, index) => `peer${index}`)
  await server.sql(roles.map((role) => `CREATE ROLE ${role} LOGIN`).join("; "))
  await bao.adopt(server, roles)
  const count = rounds * each
  const rotate = (role: string): Promise<void> => times(count, () => bao.rotate(role))
  const hashes = async (): Promise<readonly unknown[]> =>
    (
      await server.sql(
        "SELECT rolpassword FROM pg_authid WHERE rolname LIKE 'peer_' ORDER BY rolname",
      )
    ).map(({ rolpassword }) => rolpassword)
  const before = await hashes()
  const took: number[] = []
  for (const some of [roles.slice(0, 1), roles]) {
    const began = performance.now()
    await Promise.all(some.map(rotate))
    took.push((performance.now() - began) / count / some.length)
  }
  const after = await hashes()
  if (after.some((hash, index) => hash === before[index]))
    throw new Error("the peer did not rotate")
  return rows.map((row, index) => ({
    ...row,
    peer:
      `${aSecond(took[index] ?? Number.NaN)} OpenBao ${bao.version} rotate-role: one ALTER, ` +
      "no login, nothing proven",
  }))
}

async function serviceRow(
  name: string,
  aim: number,
  fresh: () => Promise<Service>,
  { rounds, each, atOnce }: Rounds & { readonly atOnce: number },
): Promise<Row> {
  const services: Service[] = []
  for (let count = 0; count < atOnce; count++) services.push(await fresh())
  const one = (service: Service, index: number): string =>
    `  e${index}:\n    ` +
    "rotate_every: never\n    " +
    `secrets: { it: { driver: ${service.kind}, ${service.options} } }\n    ` +
    `outputs: [{ dotenv: e${index}.env, merge: true, variables: { USER: ` +
    `"{{ it.user }}", PASSWORD: "{{ it.password }}" } }]\n`
  await using project = await openProject(() => `environments:\n${services.map(one).join("")}`)
  const { app, folder } = project
  for (const [index, service] of services.entries()) {
    await writeAdmin(folder, service)
    await writeFile(
      join(folder, `e${index}.env`),
      `USER=${service.login.user}\nPASSWORD=${service.login.password}\n`,
      { mode: 0o600 },
    )
    if ((await adopt(app, `e${index}`))["it"]?.kind !== "adopted") throw new Error("not adopted")
  }
  const bare: Bare[] = []
  for (let count = 0; count < atOnce; count++) {
    const service = await fresh()
    await writeAdmin(folder, service)
    bare.push(openBare(app, folder, service, `b${count}`))
  }

  const go = await startBareGo(folder)
  await using _ = "why" in go ? undefined : go
  const inGo: Service[] = []
  for (let count = 0; count < atOnce; count++) inGo.push(await fresh())
  const runs = inGo.map((service, index) => runOf(`go${index}`, service, each))
  const other = async (): Promise<void> => ("why" in go ? undefined : go.rotate(runs))

  const ours = (): Promise<unknown> =>
    Promise.all(services.map((_, index) => times(each, () => rotateOnce(app, `e${index}`))))
  const limit = (): Promise<unknown> =>
    Promise.all(bare.map((one) => times(each, () => one.rotate())))
  for (const act of [ours, limit, other]) await act()
  const [mine = [], least = [], others = []] = await allInTurn(rounds, [
    async () => void (await ours()),
    async () => void (await limit()),
    other,
  ])
  const took = { ours: mine, limit: least }
  const share = shareOf(took)
  const [a, b] = [median(took.ours) / each / atOnce, median(took.limit) / each / atOnce]
  return {
    row: name,
    ours: `${aSecond(a)} (${ms(a)})`,
    limit: `${aSecond(b)} same statements, logins, durable acts`,
    ratio: share,
    aim: `>= ${aim}`,
    met: share >= aim,
    note: `median of ${rounds} rounds of ${each * atOnce}`,
    go:
      "why" in go
        ? `no bare row in Go: ${go.why}`
        : besideGo(
            mine,
            others,
            each * atOnce,
            "same logins, changes, durable acts; asks nothing before",
          ),
  }
}

async function times(count: number, act: () => Promise<void>): Promise<void> {
  for (let done = 0; done < count; done++) await act()
}

async function rotateOnce(app: App, environment: string): Promise<void> {
  const { outcomes, revoked } = await rotateNow(app, environment, {
    why: "asked",
    skipGrace: false,
    waitMs: 5000,
  })
  if (outcomes["it"]?.kind !== "rotated" || revoked.at(-1)?.death.kind !== "dead")
    throw new Error(`not rotated and proven dead: ${JSON.stringify({ outcomes, revoked })}`)
}

type Bare = { rotate(): Promise<void> }

/**
 * The driver's own acts in the order in which a rotation asks for them; each login must be answered
 * as it should.
 */
function openBare(app: App, folder: string, service: Service, name: string): Bare {
  const type = app.plugins.drivers.find((one) => one.type === service.kind)
  if (type === undefined) throw new Error(`no driver ${service.kind}`)
  const text = (): Secret => new Secret("bench", randomText(32, app.host.random))
  // As ours does it, an admin logs in once for all that a rotation asks of it.
  const shift = new ActivityScope()
  const context = {
    host: app.host,
    label: `bench/${name}`,
    owner: name,
    folder,
    shift,
    credential: (reference: Parameters<typeof readReference>[0]) =>
      readReference(reference, { folder, env: () => undefined, run }),
  }
  const driver: Driver = type.open(
    type.options.parse(Bun.YAML.parse(`{ ${service.options.replace(/, grace: \S+$/, "")} }`)),
    context,
  )
  const { signal } = new AbortController()
  let current: Credential = {
    version: "v0",
    fields: {
      user: service.login.user,
      password: new Secret("bench", service.login.password),
      ...(service.kind === "postgres" ? { salt: text() } : {}),
    },
  }
  let serial = 0
  return {
    rotate: async () => {
      const leave = shift.join()
      const before: Versions = { current, uncertain: [] }
      const pending: Credential = { version: `v${++serial}`, fields: driver.generate(before, text) }
      const versions: Versions = { ...before, pending }
      await driver.preflight(before, signal)
      const control: Credential = {
        version: "control",
        fields: { ...current.fields, password: text() },
      }
      const answers = [await driver.probe(control, signal), await driver.probe(current, signal)]
      await driver.apply(pending, versions, signal)
      answers.push(await driver.probe(pending, signal))
      await driver.revoke(current, pending, { endSessions: false }, signal)
      answers.push(await driver.probe(current, signal), await driver.probe(pending, signal))
      if (answers.join() !== "refused,accepted,accepted,refused,accepted")
        throw new Error(`the bare acts went wrong: ${answers.join()}`)
      await bareRotation(app, folder, { revokes: true, name })
      leave()
      current = pending
    },
  }
}
