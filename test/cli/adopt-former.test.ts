import { expect, test } from "bun:test"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { type Opened, stateOf, versionsOf } from "../support/sealed.ts"
import { type TwoPrograms, openTwoPrograms } from "../support/two-programs.ts"

/** A person puts a former value back, which works: adopt makes that version the current one again. */

const servers = serversOfFile({ postgres: startPostgres, redis: startRedis })

function show(two: TwoPrograms, key: string, value: string): void {
  const { project } = two
  project.write(
    ".env",
    project.read(".env").replace(new RegExp(`^${key}=.*$`, "m"), `${key}=${value}`),
  )
}

async function stages(two: TwoPrograms, secret: string): Promise<readonly string[]> {
  return (await versionsOf(two.project, secret, "prod")).map(
    ({ id, stage }: Opened) => `${id} ${stage}`,
  )
}

test("one in its grace is current again, and the one that took its place is revoked", async () => {
  await using two = await openTwoPrograms(servers, { grace: "10m" })
  const [old, madeAt] = [two.project.variable("REDIS_PASSWORD"), await madeAtOf(two, "v1")]
  expect((await two.run("rotate-now", "prod/rd", "--no-wait")).code).toBe(0)
  const young = two.project.variable("REDIS_PASSWORD")
  show(two, "REDIS_PASSWORD", old)
  const adopted = await two.run("adopt", "prod")
  expect(adopted.stdout).toContain(
    "prod/rd: adopted as v1, which holds this value already: a login with it works",
  )
  expect(adopted.code).toBe(0)
  expect(await stages(two, "rd")).toEqual(["v1 current", "v2 previous"])
  expect(await madeAtOf(two, "v1")).toBe(madeAt)
  const rotated = await two.run("rotate-now", "prod/rd", "--skip-grace", "--no-wait")
  expect(rotated.stdout).toContain("prod/rd: v2 is revoked, its login is refused")
  expect(rotated.code).toBe(0)
  expect(await stages(two, "rd")).toEqual(["v1 previous", "v2 retired", "v3 current"])
  expect(await two.rd.login({ user: two.role, password: young })).toBe("WRONGPASS")
})

test("one that was dead, and that a person has set at its service again, gets no second number", async () => {
  await using two = await openTwoPrograms(servers)
  const old = two.project.variable("POSTGRES_PASSWORD")
  expect((await two.run("rotate-now", "prod/pg")).code).toBe(0)
  // A file of a backup shows it, and the service refuses it.
  show(two, "POSTGRES_PASSWORD", old)
  const refused = await two.run("adopt", "prod")
  expect(refused.stdout).toContain(
    "prod/pg: not adopted: it is known as v1, which is not current any more, " +
      "and the service refuses it (adopt-refused)\n  " +
      "hint: if v2 works, mycelium render prod writes it",
  )
  await servers.postgres.sql(`alter role ${two.role} password '${old}'`)
  const adopted = await two.run("adopt", "prod")
  expect(adopted.stdout).toContain("prod/pg: adopted as v1, which holds this value already")
  expect(await stages(two, "pg")).toEqual(["v1 current", "v2 retired"])
  expect((await two.run("rotate-now", "prod/pg")).code).toBe(0)
})

test("one that no service asks for counts again if a person gives it", async () => {
  await using two = await openTwoPrograms(servers)
  const old = two.project.variable("APP_KEY")
  expect((await two.run("rotate-now", "prod/key")).code).toBe(0)
  two.project.write("given.json", JSON.stringify({ key_password: old }))
  const adopted = await two.run("adopt", "prod", "--from", "given.json")
  expect(adopted.stdout).toContain("prod/key: adopted as v1, which holds this value already")
  expect(await stages(two, "key")).toEqual(["v1 current", "v2 retired"])
})

async function madeAtOf(two: TwoPrograms, id: string): Promise<string | undefined> {
  const { versions = [] } = (await stateOf(two.project, "prod"))?.secrets["rd"] ?? {}
  return versions.find((one) => one.id === id)?.madeAt
}
