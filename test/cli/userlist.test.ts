import { describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { pgbouncerPrograms } from "../../scripts/servers/pgbouncer.ts"
import { login } from "../support/login.ts"
import { startPgbouncer } from "../support/servers/pgbouncer.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { configOf, openShop } from "../support/shop.ts"
import { until } from "../support/until.ts"

/** PgBouncer's userlist.txt by `template`: the password itself stands there, and PgBouncer makes SCRAM of it, to clients and to the server. */

const programs = await pgbouncerPrograms()

describe.skipIf(!programs.found)(`PgBouncer${programs.found ? "" : ` (skipped: ${programs.why})`}`, () => {
  test("takes the new password out of its userlist.txt and speaks SCRAM with it, on both sides", async () => {
    await using server = await startPostgres()
    await using shop = await openShop(server)
    const { project, role, old } = shop
    await using pooler = await startPgbouncer(server, { [role]: old })
    const { environments, ...config } = configOf(shop)
    const { production } = environments
    const { outputs, deployments } = production as { readonly outputs: readonly object[]; readonly deployments: object }
    project.script("reload", `kill -HUP ${pooler.pid}`)
    const userlist = { template: pooler.users, text: '"{{ postgres.user }}" "{{ postgres.password }}"\n' }
    project.configure({ ...config, environments: { production: { ...production, outputs: [...outputs, userlist], deployments: { ...deployments, pooler: { command: ["./reload"], reads: [pooler.users], healthy: { tcp: `127.0.0.1:${pooler.port}` } } } } } })
    await shop.adopt()
    expect(await login(pooler, role, old)).toBe("in")
    expect(await shop.run("rotate-now", "production")).toMatchObject({ code: 0 })
    expect(shop.shown).not.toBe(old)
    expect(readFileSync(pooler.users, "utf8")).toBe(`"${role}" "${shop.shown}"\n`)
    expect(await server.sql(`select rolpassword like 'SCRAM-SHA-256$%' as scram from pg_authid where rolname = '${role}'`)).toEqual([{ scram: true }])
    // So that it must log in to the server anew.
    await server.sql(`select pg_terminate_backend(pid) from pg_stat_activity where usename = '${role}'`)
    await until("it has read its userlist again", async () => (await login(pooler, role, shop.shown)) === "in")
    expect(await login(pooler, role, old)).not.toBe("in")
  }, 60_000)
})
