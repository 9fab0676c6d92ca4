import { expect } from "bun:test"
import { randomBytes } from "node:crypto"
import { whyNoImpostor } from "./impostor.ts"
import { type Project, layOut } from "./mycelium.ts"
import { account } from "./servers/account.ts"
import { type RedisServer, startRedis } from "./servers/redis.ts"

/**
 * Another user takes the address of a server of this machine while it is down: no password may be
 * sent to them, whatever command runs.
 */

export const skipped = whyNoImpostor === undefined ? "" : ` (skipped: ${whyNoImpostor})`
export const old = `Old-${randomBytes(12).toString("hex")}.1`
export const adminPassword = (project: Project): string => project.read("admin.password").trim()
export const serverUid = account?.uid ?? process.getuid?.() ?? 0

export const acts = [
  ["rotate-now", "production"],
  ["rotate-now", "production", "--dry-run"],
  ["check", "--connect"],
  ["adopt", "production"],
  ["rotate-now", "production", "--contain", "--reason", "test", "--yes"],
  ["run", "--once"],
]

export async function shop(
  secret: Record<string, unknown>,
  admin: string,
  more: object = {},
): Promise<Project> {
  const project = await layOut(
    { ".env": `PASSWORD=${old}\n`, "admin.password": `${admin}\n` },
    {
      project: "shop",
      ...more,
      environments: {
        production: {
          rotate_every: "90d",
          secrets: {
            db: {
              ...secret,
              ...(["postgres", "rabbitmq"].includes(String(secret["driver"]))
                ? {}
                : { grace: "0s" }),
            },
          },
          outputs: [{ dotenv: ".env", merge: true, variables: { PASSWORD: "{{ db.password }}" } }],
        },
      },
    },
  )
  await project.mycelium(["init"])
  const adopted = await project.mycelium(["adopt", "production"])
  expect([adopted.code, adopted.stdout + adopted.stderr]).toEqual([
    0,
    expect.stringMatching(/nobody \(uid \d+\) listens at/),
  ])
  return project
}

export async function redisWith(
  config: Readonly<Record<string, string>> = {},
): Promise<RedisServer> {
  return startRedis({ acl: [`shop on >${old} ~* &* +@all -@admin`], config })
}
export const redisSecret = ({ port, admin }: RedisServer): Record<string, unknown> => ({
  driver: "redis",
  address: `redis://127.0.0.1:${port}`,
  user: "shop",
  admin: { user: admin.user, password: { file: "admin.password" } },
})

/** Each act is refused before anything that is worth knowing was said. */
export async function expectNothingTold(
  project: Project,
  heard: () => string,
  words: readonly string[],
  all = acts,
): Promise<void> {
  for (const args of all) {
    const ran = await project.mycelium(args)
    const said = ran.stdout + ran.stderr
    expect({ args, told: words.filter((word) => heard().includes(word)) }).toEqual({
      args,
      told: [],
    })
    expect({
      args,
      named: /listener-changed|listens there now/.test(said) || args.includes("--once"),
      code: ran.code === 0 && !args.includes("--once"),
    }).toEqual({ args, named: true, code: false })
  }
}
