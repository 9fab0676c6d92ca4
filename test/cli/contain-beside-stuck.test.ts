import { expect, test } from "bun:test"
import { serversOfFile } from "../support/servers-of-file.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { killsTheRun, openTwoPrograms } from "../support/two-programs.ts"

/** A containment beside a rotation whose service refuses every value: what it leaves needs a person. */

const servers = serversOfFile({ postgres: startPostgres, redis: startRedis })
const contain = ["rotate-now", "prod/key", "--contain", "--yes", "--incident", "leak-5"] as const

test.each(["pg", "rd"] as const)(
  "names the programs that %s has cut off, and ends with 7, as its dry run does",
  async (stuck) => {
    await using two = await openTwoPrograms(servers)
    two.script("b", ...killsTheRun)
    expect((await two.run("rotate-now", "prod")).signal).toBe("SIGKILL")
    two.restarts()
    if (stuck === "rd") await servers.redis.command("ACL", "SETUSER", two.role, "resetpass", ">x")
    else await servers.postgres.sql(`alter role ${two.role} password 'x'`)
    expect((await two.run(...contain, "--dry-run")).code).toBe(7)
    for (const _ of ["once", "and again"]) {
      const ran = await two.run(...contain)
      expect(ran.stdout + ran.stderr).toContain(`prod/${stuck}: STUCK`)
      for (const name of ["a", "b"])
        expect(ran.stderr).toMatch(
          new RegExp(
            `cut off +prod +prod/${name} .*cut off: it (may hold|holds) a value of ` +
              `.*prod/${stuck}.* that no longer works; only a person can end this rotation: ` +
              `prod/${stuck}: .*; mycelium adopt prod --ask`,
          ),
        )
      expect(ran.code).toBe(7)
    }
    expect((await two.run(...contain, "--dry-run")).code).toBe(7)
    expect((await two.run("run", "--once")).stderr).toContain("prod/a")
  },
  60_000,
)
