import { afterAll, beforeAll, expect, test } from "bun:test"
import { randomBytes } from "node:crypto"
import { layOut, type Project } from "../support/mycelium.ts"
import { type MariadbServer, startMariadb } from "../support/servers/mariadb.ts"

/** One who may change accounts has shut the one that is contained, or has put another before it. */

let server: MariadbServer
beforeAll(async () => {
  server = await startMariadb()
})
afterAll(() => server[Symbol.asyncDispose]())

type Shop = { readonly project: Project; readonly user: string; readonly old: string }

async function openShop(): Promise<Shop> {
  const [user, old] = [`shop_${randomBytes(4).toString("hex")}`, randomBytes(12).toString("hex")]
  await server.sql(`create user '${user}'@'%' identified by '${old}'`)
  const project = await layOut(
    { ".env": `DB_PASSWORD=${old}\n`, "admin.password": server.admin.password },
    {
      project: "shop",
      environments: {
        production: {
          rotate_every: "90d",
          secrets: {
            mariadb: {
              address: `mariadb://127.0.0.1:${server.port}`,
              user,
              admin: { user: server.admin.user, password: { file: "admin.password" } },
            },
          },
          outputs: [
            { dotenv: ".env", merge: true, variables: { DB_PASSWORD: "{{ mariadb.password }}" } },
          ],
        },
      },
    },
  )
  for (const args of [["init"], ["adopt", "production"]]) {
    const { code, stderr } = await project.mycelium(args)
    if (code !== 0) throw new Error(`${args[0]} ended with ${code}: ${stderr}`)
  }
  return { project, user, old }
}

/** "in", or the number of the refusal. */
async function login(user: string, password: string): Promise<string> {
  const client = new Bun.SQL({
    adapter: "mysql",
    hostname: "127.0.0.1",
    port: server.port,
    username: user,
    password,
    database: "information_schema",
    max: 1,
  })
  try {
    await client.unsafe("select 1")
    return "in"
  } catch (error) {
    return error instanceof Bun.SQL.MySQLError ? String(error.errno) : String(error)
  } finally {
    await client.close()
  }
}

const contain = ["rotate-now", "production", "--contain", "--yes", "--incident", "leak"]

test.each(["account lock", "password expire", "identified by ''"])(
  "%s does not keep a containment away",
  async (how) => {
    const { project, user, old } = await openShop()
    await using _ = project
    await server.sql(`alter user '${user}'@'%' ${how}`)
    const ran = await project.mycelium(contain)
    expect({ code: ran.code, said: ran.code === 0 ? "" : ran.stdout + ran.stderr }).toEqual({
      code: 0,
      said: "",
    })
    const logins = [await login(user, project.variable("DB_PASSWORD")), await login(user, old)]
    expect(logins).toEqual(["in", "1045"])
  },
  30_000,
)

test.each([
  ["REQUIRE X509", (user: string) => `alter user '${user}'@'%' require x509`, "REQUIRE X509"],
  [
    "another account before it",
    (user: string) => `create user '${user}'@'127.0.0.1' identified by 'Evil.1'`,
    "'@'127.0.0.1'",
  ],
])(
  "%s: not contained, with the reason and a way on that ends it",
  async (_, sql, reason) => {
    const { project, user, old } = await openShop()
    await using _project = project
    await server.sql(sql(user))
    const ran = await project.mycelium(contain)
    const said = ran.stdout + ran.stderr
    expect({ code: ran.code, names: said.includes(reason) }).toEqual({ code: 7, names: true })
    expect(said).toContain("leak: NOT all contained, 1 left.")
    const way = /(DROP USER|ALTER USER) '[^']+'@'[^']+'( REQUIRE NONE)?/.exec(said)?.[0] ?? "none"
    await server.sql(way)
    const again = await project.mycelium(contain)
    expect({ code: again.code, said: again.code === 0 ? "" : again.stdout }).toEqual({
      code: 0,
      said: "",
    })
    const logins = [await login(user, project.variable("DB_PASSWORD")), await login(user, old)]
    expect(logins).toEqual(["in", "1045"])
  },
  60_000,
)
