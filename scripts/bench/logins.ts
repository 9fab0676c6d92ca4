import { rotateNow } from "../../src/app/rotate-now.ts"
import { startPostgres } from "../../test/support/servers/postgres.ts"
import { startRedis } from "../../test/support/servers/redis.ts"
import { type Service, withProgram } from "./a-program.ts"
import type { Row } from "./measure.ts"
import { pairService, redisService } from "./services.ts"

/** Logins that fail while a program logs in as fast as its server lets it, through many rotations. */
export async function loginRows(rotations: number, grace: string): Promise<readonly Row[]> {
  await using redis = await startRedis()
  const one = await loginRow("redis", await redisService(redis, "program", grace), {
    rotations,
    grace,
    sideBySide: 8,
  })
  await using postgres = await startPostgres({})
  return [
    one,
    await loginRow("postgres, a pair", await pairService(postgres, "program", grace), {
      rotations,
      grace,
      sideBySide: 4,
    }),
  ]
}

async function loginRow(
  name: string,
  service: Service,
  how: { readonly rotations: number; readonly grace: string; readonly sideBySide: number },
): Promise<Row> {
  await using running = await withProgram(service, { sideBySide: how.sideBySide, restartMs: 0 })
  for (let count = 0; count < how.rotations; count++) {
    const { outcomes, revoked } = await rotateNow(running.app, "one", {
      why: "asked",
      skipGrace: false,
      waitMs: 60_000,
    })
    if (outcomes["it"]?.kind !== "rotated" || revoked.at(-1)?.death.kind !== "dead")
      throw new Error(`not rotated and proven dead: ${JSON.stringify({ outcomes, revoked })}`)
  }
  const { logins, failures, seconds, passwords } = await running.stop()
  if (passwords !== how.rotations + 1)
    throw new Error(`the program logged in with ${passwords} passwords, not ${how.rotations + 1}`)
  const failed = Object.values(failures).reduce((sum, one) => sum + one, 0)
  const rate = Math.round(logins / seconds)
  return {
    row: `logins that fail: ${name}`,
    ours: `${failed} of ${logins}${failed === 0 ? "" : ` (${JSON.stringify(failures)})`}`,
    limit: "0",
    ratio: failed,
    aim: "0",
    met: failed === 0,
    note:
      `${how.rotations} rotations in ${Math.round(seconds)} s, ` +
      `${rate} logins a second, ${how.sideBySide} at once, grace ${how.grace}`,
  }
}
