import { rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { temporaryFolder } from "../temp-folder.ts"
import { hand } from "./account.ts"
import { copyFolder } from "./copy-folder.ts"
import { type PostgresOptions, type PostgresServer, startPostgres } from "./postgres.ts"
import { serversFolder } from "./servers-folder.ts"

/**
 * A streaming standby of `primary`. Made without pg_basebackup, which the PostgreSQL of npm lacks:
 * the data folder is copied between pg_backup_start and pg_backup_stop, which must be said by one
 * session.
 */
export async function startStandby(
  primary: PostgresServer,
  options: Pick<PostgresOptions, "config"> = {},
): Promise<PostgresServer> {
  const copy = await temporaryFolder(serversFolder())
  await hand(copy.path)
  const dataFolder = join(copy.path, "data")
  await backUp(primary, dataFolder)
  const conninfo =
    `host=${primary.socketFolder} port=${primary.port} user=${primary.superuser} ` +
    `password=${primary.password}`
  const standby = await startPostgres({
    programs: primary.programs,
    dataFolder,
    password: primary.password,
    config: { primary_conninfo: conninfo, ...options.config },
  })
  const stop = standby[Symbol.asyncDispose].bind(standby)
  return Object.assign(standby, {
    [Symbol.asyncDispose]: async () => {
      await stop()
      await copy[Symbol.asyncDispose]()
    },
  })
}

async function backUp(primary: PostgresServer, to: string): Promise<void> {
  const label = await primary.session(async (sql) => {
    await sql.unsafe("select pg_backup_start('standby', true)")
    await copyFolder(primary.dataFolder, to)
    const rows: readonly { readonly labelfile: string }[] = await sql.unsafe(
      "select labelfile from pg_backup_stop(false)",
    )
    return rows[0]?.labelfile ?? ""
  })
  await rm(join(to, "postmaster.pid"), { force: true })
  for (const [name, text] of Object.entries({ backup_label: label, "standby.signal": "" })) {
    await writeFile(join(to, name), text, { mode: 0o600 })
    await hand(join(to, name))
  }
}
