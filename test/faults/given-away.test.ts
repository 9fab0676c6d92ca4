import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { chownSync } from "node:fs"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { versionsOf } from "../support/sealed.ts"
import { configOf, openShop } from "../support/shop.ts"

/**
 * A file that mycelium may give away, but not read afterwards: root without the right to read
 * everything, as in a hardened unit.
 */

const under = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
const why = whyNot()

function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return "only root can give files away"
  return Bun.which("setpriv") === null ? "setpriv is not installed" : undefined
}

let server: PostgresServer
beforeAll(async () => {
  if (why === undefined) server = await startPostgres()
})
afterAll(async () => {
  if (why === undefined) await server[Symbol.asyncDispose]()
})

describe.skipIf(why !== undefined)(
  `an output for another user${why === undefined ? "" : ` (skipped: ${why})`}`,
  () => {
    test("that could not be read again is refused before any value exists; with a group of our user it rotates, twice", async () => {
      await using shop = await openShop(server)
      const { project } = shop
      await shop.adopt()
      const owned = (owner: string, mode: string): void => {
        const { production } = configOf(shop).environments
        project.configure({
          project: "shop",
          environments: {
            production: {
              ...production,
              deployments: {},
              outputs: [
                {
                  dotenv: ".env",
                  merge: true,
                  owner,
                  mode,
                  variables: { POSTGRES_PASSWORD: "{{ postgres.password }}" },
                },
              ],
            },
          },
        })
      }
      const rotate = () => project.mycelium(["rotate-now", "production"], { under })
      owned("12345:12345", "0600")
      const before = project.read(".env")
      const refused = await rotate()
      expect(refused.stdout).toContain(
        "would belong to user 12345 and group 12345, and mycelium could not read it again",
      )
      expect(refused.stdout).toContain('hint: add mode: "0640" and a group that this user is in')
      expect(refused.code).toBe(1)
      expect(project.read(".env")).toBe(before)
      expect((await versionsOf(project, "postgres")).map(({ id }) => id)).toEqual(["v1"])
      expect(project.has("..env.mycelium-draft")).toBe(false)

      owned("12345:0", "0640")
      expect([(await rotate()).code, (await rotate()).code]).toEqual([0, 0])
      chownSync(project.path(".env"), 0, 0)
      owned("12345:12345", "0600")
      // Who may read everything is not held up.
      expect([
        (await shop.run("rotate-now", "production")).code,
        (await shop.run("rotate-now", "production")).code,
      ]).toEqual([0, 0])
    }, 60_000)
  },
)
