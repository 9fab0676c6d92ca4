import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { type Shop, type ShopOptions, configOf, openShop } from "../support/shop.ts"
import { SmallDisk, whyNoDisk } from "../support/small-disk.ts"
import { readState } from "../../src/record/state-file.ts"
import { expectClear, expectRefused } from "./refused.ts"

let server: PostgresServer
beforeAll(async () => {
  if (whyNoDisk === undefined) server = await startPostgres()
})
afterAll(async () => {
  if (whyNoDisk === undefined) await server[Symbol.asyncDispose]()
})

const rotate = ["rotate-now", "production"]
const place = (shop: Shop): Parameters<typeof readState>[0] => ({
  store: shop.project.path("disk/store"),
  project: "shop",
  environment: "production",
})

/** Its state on a small disk. */
async function withStoreOn(
  options: ShopOptions,
  act: (shop: Shop, disk: SmallDisk) => Promise<void>,
): Promise<void> {
  await using shop = await openShop(server, options)
  using disk = new SmallDisk(shop.project.path("disk"))
  shop.project.configure({ ...configOf(shop), store: "disk/store" })
  await shop.adopt()
  await act(shop, disk)
}

/** Its .env on a small disk. */
async function withOutputOn(
  act: (shop: Shop, disk: SmallDisk, file: string) => Promise<void>,
): Promise<void> {
  await using shop = await openShop(server)
  using disk = new SmallDisk(shop.project.path("disk"))
  const { production } = configOf(shop).environments
  const file = join("disk", ".env")
  shop.project.write(file, shop.project.read(".env"))
  shop.project.configure({
    project: "shop",
    environments: {
      production: {
        ...production,
        outputs: [
          {
            dotenv: file,
            merge: true,
            variables: { POSTGRES_PASSWORD: "{{ postgres.password }}" },
          },
        ],
        deployments: {},
      },
    },
  })
  await shop.adopt()
  await act(shop, disk, shop.project.path(file))
}

describe.skipIf(whyNoDisk !== undefined)(
  `a disk${whyNoDisk === undefined ? "" : ` (skipped: ${whyNoDisk})`}`,
  () => {
    test("of the state that is full: nothing outside is touched, and it says so", async () => {
      await withStoreOn({}, async (shop, disk) => {
        disk.fill()
        await expectRefused(shop, rotate, {
          code: 1,
          message: ["cannot lock ", ": the disk is full"],
          hint: "free some space on that disk",
        })
        disk.empty()
        expect((await shop.run(...rotate)).code).toBe(0)
      })
    })

    test("of the state with room for the lock only: what a rotation writes has no place, so no service hears of it, and the dry run says so", async () => {
      await withStoreOn({}, async (shop, disk) => {
        disk.fill(1)
        await expectRefused(shop, rotate, {
          code: 1,
          message: ["has no room for what a rotation writes: ", "(disk-full)"],
          hint: "free some space on that disk",
        })
        const { stdout, code } = await shop.run(...rotate, "--dry-run")
        expect(stdout).toContain("has no room for what a rotation writes: ")
        expect(code).not.toBe(0)
        expect((await shop.run("check")).stdout).toContain("store-full")
      })
    })

    test("of the state that is nearly full: check, the dry run and the run judge by one need", async () => {
      await withStoreOn({ two: true }, async (shop, disk) => {
        disk.fill(4)
        const { stdout } = await shop.run(...rotate)
        const kib = Number(/what a rotation writes: (\d+) KiB/.exec(stdout)?.[1])
        expect(kib).toBeGreaterThan(0)
        for (let pages = Math.ceil(kib / 4) - 1; ; pages++) {
          disk.empty()
          disk.fill(pages)
          const checked = await shop.run("check", "--strict")
          const dry = await shop.run(...rotate, "--dry-run")
          const ran = await shop.run(...rotate)
          expect({ pages, dry: dry.code }).toEqual({ pages, dry: ran.code })
          if (ran.code === 0) break
          expect(ran.stdout).toContain("(disk-full)")
          expect(checked.stdout).toContain("disk-full: ")
          expect(checked.code).toBe(4)
        }
      })
    }, 60_000)

    test.each([{}, { two: true }] as const)(
      "of the state, however full it is when a rotation begins, and is filled up as the service is told: no file shows a refused value: %j",
      async (options) => {
        const ends: Record<string, number> = {}
        await withStoreOn(options, async (shop, disk) => {
          const { project } = shop
          project.script("restart-api", disk.fillCommand, "cp .env api.loaded")
          for (let pages = 0; pages <= 112; pages += 8) {
            disk.empty()
            disk.fill(pages)
            const { code, stdout, stderr } = await shop.run(...rotate)
            ends[String(code)] = (ends[String(code)] ?? 0) + 1
            expect({
              pages,
              login: await shop.login(shop.shown),
              said: `${stdout}${stderr}`,
            }).toMatchObject({ login: "in" })
            expect({ pages, same: project.read("api.loaded") === project.read(".env") }).toEqual({
              pages,
              same: true,
            })
          }
          disk.empty()
          expect((await shop.run(...rotate)).code).toBe(0)
          expect(
            readdirSync(project.path("disk/store/secrets/shop")).filter(
              (name) => !/^production\.(json|lock|audit\.jsonl)$/.test(name),
            ),
          ).toEqual([])
        })
        expect({
          ends,
          both: (ends["0"] ?? 0) > 3 && (ends["1"] ?? 0) > 3 && Object.keys(ends).length === 2,
        }).toMatchObject({ both: true })
      },
      240_000,
    )

    test("of the state that is read-only: nothing outside is touched, and it says so", async () => {
      await withStoreOn({}, async (shop, disk) => {
        disk.readOnly()
        const { stderr } = await expectRefused(shop, rotate, { code: 1, message: ["disk/store"] })
        expect(stderr).toContain("hint: ")
        disk.writable()
        expect((await shop.run(...rotate)).code).toBe(0)
      })
    })

    test("of the state that gets full while the server is told: what the rotation still has to write has its place on it already", async () => {
      await withStoreOn({ admin: true, endSessions: true }, async (shop, disk) => {
        const { project, role } = shop
        // Asked before the value is made: the admin's session does not stand until the server is
        // told, so the session begins anew.
        using health = Bun.serve({
          port: 0,
          hostname: "127.0.0.1",
          fetch: async () => (
            await server.sql(
              `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${role}_admin'`,
            ),
            new Response("well")
          ),
        })
        const admin = project.script(
          "admin",
          `if grep -qE '"kind": ?"pending"' disk/store/secrets/shop/production.json; ` +
            `then ${disk.fillCommand}; echo >> filled; fi`,
          "cat admin.password",
        )
        const { project: name, environments } = configOf({
          server,
          role,
          options: {
            ...shop.options,
            secret: { admin: { user: `${role}_admin`, password: { command: [admin] } } },
          },
        })
        const deployments = {
          api: {
            command: [project.path("restart-api")],
            healthy: { http: `http://127.0.0.1:${health.port}/` },
          },
        }
        project.configure({
          project: name,
          store: "disk/store",
          environments: { production: { ...environments["production"], deployments } },
        })
        const { stdout, stderr, code } = await shop.run(...rotate)
        expectClear(`${stdout}${stderr}`, [shop.old])
        expect({ code, stdout, stderr }).toMatchObject({
          code: 0,
          stdout: expect.stringContaining("production/postgres: rotated, v2 is current") as string,
        })
        expect(existsSync(project.path("filled"))).toBe(true)
        expect(await shop.login(shop.old)).toBe("28P01")
        expect((await readState(place(shop)))?.changeSet).toBeUndefined()
        disk.empty()
        expect(await shop.login(shop.shown)).toBe("in")
      })
    })

    test("of an output that is full: the service is not touched, the file stays as it is", async () => {
      await withOutputOn(async (shop, disk, file) => {
        disk.fill()
        await expectRefused(shop, rotate, {
          code: 1,
          message: `production/postgres: left as it was: cannot write ${file}: ENOSPC`,
          hint: "free some space on that disk",
        })
        disk.empty()
        expect((await shop.run(...rotate)).code).toBe(0)
      })
    })

    test("of an output that is read-only: the service is not touched", async () => {
      await withOutputOn(async (shop, disk, file) => {
        disk.readOnly()
        await expectRefused(shop, rotate, {
          code: 1,
          message: `cannot write ${file}: EROFS`,
          hint: "that file system is read-only",
        })
        disk.writable()
      })
    })

    test("of an output that is read-only: the secrets that it does not show rotate all the same", async () => {
      await withOutputOn(async (shop, disk, file) => {
        const config = configOf(shop)
        const { production } = config.environments
        const outputs = [
          {
            dotenv: join("disk", ".env"),
            merge: true,
            variables: { POSTGRES_PASSWORD: "{{ postgres.password }}" },
          },
          { dotenv: "session.env", variables: { SESSION: "{{ session.password }}" } },
        ]
        shop.project.configure({
          ...config,
          environments: {
            production: {
              ...production,
              secrets: { ...Object(production?.["secrets"]), session: "generated" },
              outputs,
              deployments: {},
            },
          },
        })
        expect((await shop.run("rotate-now", "production/session", "--new")).code).toBe(0)
        disk.readOnly()
        const { stdout, code } = await shop.run(...rotate)
        expect(stdout).toContain("production/session: rotated, v2 is current")
        expect(stdout).toContain(`production/postgres: left as it was: cannot write ${file}: EROFS`)
        expect(code).toBe(5)
        expect(await shop.login(shop.old)).toBe("in")
        disk.writable()
      })
    })
  },
)
