import { KeyService } from "../../test/plugins/drivers/exec/key-service.ts"
import { startMariadb } from "../../test/support/servers/mariadb.ts"
import { startOpenBao, whyNoOpenBao } from "../../test/support/servers/openbao.ts"
import { startPostgres } from "../../test/support/servers/postgres.ts"
import { startRabbitmq } from "../../test/support/servers/rabbitmq.ts"
import { StrictSsm } from "../../test/support/strict-ssm.ts"
import { startRedis } from "../../test/support/servers/redis.ts"
import type { Servers } from "./scenarios.ts"

/** One of each that a scenario may need. Leave it by `await using`. */
export async function startServers(): Promise<Servers & AsyncDisposable> {
  await using stack = new AsyncDisposableStack()
  const servers = {
    postgres: stack.use(await startPostgres()),
    mariadb: stack.use(await startMariadb()),
    rabbitmq: stack.use(await startRabbitmq()),
    redis: stack.use(await startRedis()),
    keys: stack.use(await KeyService.start(2)),
    ssm: stack.use(await StrictSsm.start()),
  }
  const why = await whyNoOpenBao()
  if (why !== undefined) console.warn(`entries of OpenBao are not tried: ${why}`)
  const vault = why === undefined ? stack.use(await startOpenBao()) : undefined
  const all = stack.move()
  return { ...servers, vault, [Symbol.asyncDispose]: () => all.disposeAsync() }
}
