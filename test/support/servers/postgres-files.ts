import { type PostgresOptions } from "./postgres.ts"

export type Settings = {
  readonly port: number
  readonly socketFolder: string
  readonly tls: PostgresOptions["tls"]
  readonly config: PostgresOptions["config"]
}

/** The whole of postgresql.conf. What a crash of the machine would lose is of no interest to a test. */
export function settingsText(settings: Settings): string {
  const { tls } = settings
  const lines: Readonly<Record<string, string>> = {
    listen_addresses: "127.0.0.1",
    port: String(settings.port),
    unix_socket_directories: settings.socketFolder,
    unix_socket_permissions: "0700",
    // In the data folder, so that a killed server leaves nothing in /dev/shm.
    dynamic_shared_memory_type: "mmap",
    // A containment waits as long: a login that was under way may still end well until then.
    authentication_timeout: "2s",
    fsync: "off",
    full_page_writes: "off",
    log_line_prefix: "%m [%p] %u@%d ",
    ...(tls === undefined
      ? {}
      : { ssl: "on", ssl_cert_file: "server.crt", ssl_key_file: "server.key" }),
    ...(tls?.ca === undefined ? {} : { ssl_ca_file: "ca.crt" }),
    ...settings.config,
  }
  return Object.entries(lines)
    .map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`)
    .join("")
}

const everybodyByPassword = `
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
`

/** The first lines let the test's superuser in by the socket, whatever the test's own lines say. */
export function hbaText(superuser: string, hba = everybodyByPassword): string {
  return `local all ${superuser} scram-sha-256\nlocal replication ${superuser} scram-sha-256\n${hba}\n`
}
