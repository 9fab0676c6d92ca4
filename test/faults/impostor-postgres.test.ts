import { describe, expect, test } from "bun:test"
import { randomBytes } from "node:crypto"
import { chownSync, rmSync } from "node:fs"
import { join } from "node:path"
import { impostorUid, startImpostor, whyNoImpostor } from "../support/impostor.ts"
import { layOut } from "../support/mycelium.ts"
import { stateOf } from "../support/sealed.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { expectNothingTold, old, serverUid, shop, skipped } from "../support/impostor-shop.ts"

describe.skipIf(whyNoImpostor !== undefined)(
  `another user on the port of a server that is down${skipped}`,
  () => {
    test("postgres: an impostor that asks for no password is sent no statement", async () => {
      await using postgres = await startPostgres()
      await postgres.sql(
        `create role shop login password '${old}'; create role rotator login createrole ` +
          "password 'Admin-of-this-test.1'; grant shop to rotator with admin option",
      )
      const project = await layOut(
        { ".env": `PASSWORD=${old}\n`, "admin.password": "Admin-of-this-test.1\n" },
        {
          project: "shop",
          environments: {
            production: {
              rotate_every: "90d",
              secrets: {
                db: {
                  driver: "postgres",
                  address: `postgresql://127.0.0.1:${postgres.port}`,
                  role: "shop",
                  send: "plaintext",
                  listener: serverUid,
                  admin: { user: "rotator", password: { file: "admin.password" } },
                },
              },
              outputs: [
                { dotenv: ".env", merge: true, variables: { PASSWORD: "{{ db.password }}" } },
              ],
            },
          },
        },
      )
      await using laid = project
      await laid.mycelium(["init"])
      expect((await laid.mycelium(["adopt", "production"])).code).toBe(0)
      await postgres.stop()
      {
        await using impostor = await startImpostor("postgres", postgres.port)
        const ran = await laid.mycelium(["rotate-now", "production"])
        expect([ran.code, (ran.stdout + ran.stderr).includes("listens there now")]).toEqual([
          1,
          true,
        ])
        expect(
          ["ALTER", "SET ", "PASSWORD", old].filter((word) => impostor.heard().includes(word)),
        ).toEqual([])
        expect(impostor.calls()).toBeGreaterThan(0)
      }
      await postgres.start()
      expect((await laid.mycelium(["rotate-now", "production"])).code).toBe(0)
    }, 90_000)

    test.each([["postgres-refuses"], ["relay"]] as const)(
      "postgres: %s stands before a server that asks for SCRAM: no proof is given, and no answer believed",
      async (kind) => {
        await using postgres = await startPostgres({
          config: { listen_addresses: "127.0.0.1,127.0.0.2" },
          hba: "local all all scram-sha-256\nhost all all 127.0.0.0/8 scram-sha-256",
        })
        const admin = `Admin-${randomBytes(12).toString("hex")}.1`
        await postgres.sql(
          `create role shop login password '${old}'; create role rotator login createrole ` +
            `password '${admin}'; grant shop to rotator with admin option`,
        )
        const secret = {
          driver: "postgres",
          address: `postgresql://127.0.0.1:${postgres.port}`,
          role: "shop",
          admin: { user: "rotator", password: { file: "admin.password" } },
        }
        await using project = await shop(secret, admin)
        expect((await stateOf(project))?.secrets["db"]?.listeners).toEqual({
          [`127.0.0.1:${postgres.port}`]: serverUid,
        })
        await postgres.sql("alter system set listen_addresses = '127.0.0.2'")
        await postgres.restart()
        {
          await using impostor = await startImpostor(
            kind,
            postgres.port,
            `127.0.0.2:${postgres.port}`,
          )
          await expectNothingTold(project, impostor.heard, [
            "SCRAM-SHA-256",
            "ALTER",
            "SET ",
            admin,
            old,
          ])
          expect(impostor.calls()).toBeGreaterThan(0)
          // Whom the config does not name is told nothing either, whatever was noted.
          project.configure({
            ...(JSON.parse(project.read("mycelium.yaml")) as object),
            environments: {
              production: {
                rotate_every: "90d",
                secrets: { db: { ...secret, listener: "nobody", unshown: true } },
              },
            },
          })
          await expectNothingTold(
            project,
            impostor.heard,
            ["SCRAM-SHA-256"],
            [["rotate-now", "production"]],
          )
        }
        await postgres.sql("alter system reset listen_addresses")
        await postgres.restart()
        expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
      },
      120_000,
    )

    test("postgres: the server's own socket is used; a socket of another user in its place is sent nothing", async () => {
      await using postgres = await startPostgres()
      const admin = `Admin-${randomBytes(12).toString("hex")}.1`
      await postgres.sql(
        `create role shop login password '${old}'; create role rotator login createrole ` +
          `password '${admin}'; grant shop to rotator with admin option`,
      )
      const folder = postgres.socketFolder
      await using project = await shop(
        {
          driver: "postgres",
          address: `postgresql://localhost:${postgres.port}/postgres?host=${folder}`,
          role: "shop",
          admin: { user: "rotator", password: { file: "admin.password" } },
        },
        admin,
      )
      expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
      expect((await stateOf(project))?.secrets["db"]?.listeners).toEqual({
        [`${folder}/.s.PGSQL.${postgres.port}`]: serverUid,
      })
      await postgres.stop()
      // As if they had taken the way to it.
      const path = join(folder, `.s.PGSQL.${postgres.port}`)
      chownSync(folder, impostorUid, impostorUid)
      {
        await using impostor = await startImpostor("postgres", path)
        await expectNothingTold(
          project,
          impostor.heard,
          ["SCRAM-SHA-256", "ALTER", "SET ", admin],
          [
            ["rotate-now", "production"],
            ["adopt", "production"],
          ],
        )
        expect(impostor.calls()).toBeGreaterThan(0)
        // Nor where they give it away, to root or back to the server's user.
        for (const uid of [0, serverUid]) {
          chownSync(path, uid, uid)
          const ran = await project.mycelium(["rotate-now", "production"])
          expect([
            ran.code === 0,
            /listener-changed|listens there now|socket-folder-open|more than one user/.test(
              ran.stdout + ran.stderr,
            ),
          ]).toEqual([false, true])
          expect(
            ["SCRAM-SHA-256", "ALTER", "SET ", admin].filter((word) =>
              impostor.heard().includes(word),
            ),
          ).toEqual([])
        }
      }
      rmSync(path, { force: true })
      chownSync(folder, serverUid, serverUid)
      await postgres.start()
      expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
    }, 90_000)
  },
)
