/**
 * The server programs that tests run against: found on this machine, else fetched into the ignored
 * folder .tools/servers. Nothing is installed and nothing is started. As a command,
 * `bun scripts/servers.ts [all]`, it fetches what the tests need (all: also what only some of them
 * do) and says what it found; exit 1 if PostgreSQL or Redis cannot be had.
 * `bun scripts/servers.ts temporal` builds Temporal from source, which takes a quarter of an hour
 * or more.
 */
import { aiosmtpdPrograms } from "./servers/aiosmtpd.ts"
import { dockerPrograms } from "./servers/docker.ts"
import { type Found } from "./servers/found.ts"
import { mariadbPrograms } from "./servers/mariadb.ts"
import { motoPrograms } from "./servers/moto.ts"
import { openbaoPrograms } from "./servers/openbao.ts"
import { pgbouncerPrograms } from "./servers/pgbouncer.ts"
import { postgresPrograms } from "./servers/postgres.ts"
import { prometheusPrograms } from "./servers/prometheus.ts"
import { rabbitmqPrograms } from "./servers/rabbitmq.ts"
import { redisPrograms } from "./servers/redis.ts"
import { buildTemporal } from "./servers/temporal.ts"
import { optionsOf } from "./usage.ts"

export { type Found, type Missing, type Programs } from "./servers/found.ts"
export {
  aiosmtpdPrograms,
  mariadbPrograms,
  motoPrograms,
  openbaoPrograms,
  postgresPrograms,
  prometheusPrograms,
  rabbitmqPrograms,
  redisPrograms,
}

if (import.meta.main) {
  optionsOf("bun scripts/servers.ts [WORD: all or temporal]", {})
  const needed = await Promise.all([
    postgresPrograms("system"),
    postgresPrograms("newer"),
    redisPrograms(),
  ])
  // Compose is built from source once, which takes minutes: not while a test waits for it. Only
  // root can start the engine.
  const engine = process.getuid?.() === 0 ? [await dockerPrograms()] : []
  const extra = [
    ...engine,
    ...(Bun.argv.includes("all")
      ? [
          await aiosmtpdPrograms(),
          await mariadbPrograms(),
          await motoPrograms(),
          await openbaoPrograms(),
          await pgbouncerPrograms(),
          await prometheusPrograms(),
          await rabbitmqPrograms(),
        ]
      : []),
  ]
  if (Bun.argv.includes("temporal")) extra.push(await buildTemporal())
  for (const found of [...needed, ...extra]) console.log(say(found))
  process.exitCode = needed.every((found) => found.found) ? 0 : 1
}

function say(found: Found): string {
  return found.found ? `servers: ${found.message}` : `servers: missing: ${found.why}`
}
