import { describe, expect, test } from "bun:test"
import {
  type Kind,
  endOf,
  incident,
  secretOf,
  startServers,
  verdictsOf,
} from "../support/contain-ends.ts"
import { stateOf } from "../support/sealed.ts"
import { expectRows, newLogins } from "../support/containment-table.ts"
import { serversOfFile } from "../support/servers-of-file.ts"

/** How a containment ends if its admin may not end or see the sessions. */

const servers = serversOfFile({ all: startServers })

describe("a containment ends", () => {
  test(
    "for new logins only if its sessions cannot be ended, and wholly by the same command once they can",
    () =>
      expectRows(
        servers.all,
        {
          "role with an admin": [newLogins("sessions-hidden"), "0 contained"],
          pair: [newLogins("sessions-out-of-reach"), "0 contained"],
          mariadb: [newLogins("sessions-out-of-reach"), "0 contained"],
          "exec, two values": [newLogins("sessions-out-of-reach"), "5 contained-for-new-logins"],
          "exec, one value": [newLogins("sessions-out-of-reach"), "5 contained-for-new-logins"],
          redis: [newLogins("sessions-out-of-reach"), "0 contained"],
        },
        async (shop, kind) => {
          const { role } = shop
          await shop.adopt()
          const who = kind === "pair" ? `${role}_blue` : role
          const session =
            kind === "role with an admin" || kind === "pair"
              ? new Bun.SQL({
                  adapter: "postgres",
                  hostname: "127.0.0.1",
                  port: servers.all.postgres.port,
                  database: "postgres",
                  username: who,
                  password: shop.old,
                  max: 1,
                })
              : undefined
          await session?.unsafe("select 1")
          const rights: Partial<Record<Kind, readonly [string, string]>> = {
            "role with an admin": [
              `alter role ${role}_admin noinherit`,
              `alter role ${role}_admin inherit`,
            ],
            pair: [
              `revoke pg_signal_backend from ${role}_rotator`,
              `grant pg_signal_backend to ${role}_rotator`,
            ],
            mariadb: [
              `REVOKE PROCESS ON *.* FROM '${role}_a'@'%'`,
              `GRANT PROCESS ON *.* TO '${role}_a'@'%'`,
            ],
          }
          const set = async (at: 0 | 1): Promise<void> => {
            const text = rights[kind]?.[at]
            if (text !== undefined)
              await (kind === "mariadb" ? servers.all.mariadb : servers.all.postgres).sql(text)
            if (kind === "redis")
              await servers.all.redis.command(
                "ACL",
                "SETUSER",
                servers.all.redis.admin.user,
                at === 0 ? "-client|list" : "+client|list",
              )
          }
          await set(0)
          const dry = await shop.run("rotate-now", "production", "--contain", "--dry-run")
          expect([
            kind,
            dry.stdout.includes("sessions that were opened before may live (see 1)"),
          ]).toEqual([kind, true])
          const end = await endOf(shop).finally(() => set(1))
          // It owes nothing more, and rotates again.
          expect([kind, (await stateOf(shop.project))?.secrets[secretOf[kind]]?.contained]).toEqual(
            [kind, expect.objectContaining({ incident, sessions: expect.anything() })],
          )
          const again = await verdictsOf(shop)
          expect((await shop.run("rotate-now", "production", "--json")).code).toBe(0)
          await session?.close().catch(() => undefined)
          return { end, again }
        },
        (kind) =>
          kind.startsWith("exec")
            ? {
                secret: {
                  env: {
                    SERVICE: (kind === "exec, one value" ? servers.all.one : servers.all.two).url,
                  },
                },
              }
            : {},
      ),
    300_000,
  )

  test(
    "for new logins only if the admin of a pair may not see sessions, and wholly by the same command once it may",
    () =>
      expectRows(
        servers.all,
        { pair: [newLogins("sessions-hidden"), "0 contained"] },
        async (shop) => {
          const { role } = shop
          await shop.adopt()
          await using session = new Bun.SQL({
            adapter: "postgres",
            hostname: "127.0.0.1",
            port: servers.all.postgres.port,
            database: "postgres",
            username: `${role}_blue`,
            password: shop.old,
            max: 1,
          })
          await session.unsafe("select 1")
          await servers.all.postgres.sql(`revoke pg_read_all_stats from ${role}_rotator`)
          const end = await endOf(shop).finally(() =>
            servers.all.postgres.sql(`grant pg_read_all_stats to ${role}_rotator`),
          )
          const again = await verdictsOf(shop)
          await session.close().catch(() => undefined)
          return { end, again }
        },
      ),
    120_000,
  )
})
