import { type RedisOptions } from "./redis.ts"

export type Settings = RedisOptions & {
  readonly port: number
  readonly folder: string
  readonly admin: { readonly user: string; readonly password: string }
}

export type Files = {
  /** What the command line says: a file's name, or every setting. */
  readonly argv: readonly string[]
  /** By name, in the server's folder. */
  readonly files: Readonly<Record<string, string>>
}

/** Where the users are kept decides what survives a restart, so each way is laid out as people do it. */
export function redisFiles(settings: Settings): Files {
  const lines = directives(settings)
  const tls = tlsFiles(settings)
  switch (settings.users ?? "aclfile") {
    case "aclfile":
      return {
        argv: ["redis.conf"],
        files: {
          ...tls,
          "redis.conf": text([...lines, ["aclfile", "users.acl"]]),
          "users.acl": text(aclLines(settings)),
        },
      }
    case "config":
      return {
        argv: ["redis.conf"],
        files: { ...tls, "redis.conf": text([...lines, ...aclLines(settings)]) },
      }
    case "lost":
      return {
        argv: [...lines, ["requirepass", settings.admin.password]].flatMap(
          ([name = "", ...values]) => [`--${name}`, ...values],
        ),
        files: tls,
      }
  }
}

type Line = readonly string[]

function directives(settings: Settings): readonly Line[] {
  return [
    ...listenLines(settings),
    ["bind", "127.0.0.1"],
    ["dir", settings.folder],
    // No snapshots: nothing of a test's data is kept.
    ["save", ""],
    // A replica is served at once; Redis waits five seconds for others else.
    ["repl-diskless-sync-delay", "0"],
    ...Object.entries(settings.config ?? {}),
  ]
}

function listenLines({ port, tls }: Settings): readonly Line[] {
  if (tls === undefined) return [["port", String(port)]]
  const clients = tls.ca === undefined ? ["tls-auth-clients", "no"] : ["tls-ca-cert-file", "ca.crt"]
  return [
    ["port", "0"],
    ["tls-port", String(port)],
    ["tls-cert-file", "server.crt"],
    ["tls-key-file", "server.key"],
    clients,
  ]
}

function aclLines(settings: Settings): readonly Line[] {
  const { admin, requirepass } = settings
  const standard = requirepass === undefined ? "off" : `on >${requirepass} ~* &* +@all`
  const own = (settings.acl ?? []).map((line) => ["user", ...line.split(" ")])
  return [
    ["user", "default", ...standard.split(" ")],
    ["user", admin.user, "on", `>${admin.password}`, "~*", "&*", "+@all"],
    ...own,
  ]
}

function tlsFiles({ tls }: Settings): Readonly<Record<string, string>> {
  if (tls === undefined) return {}
  return {
    "server.crt": tls.certificate,
    "server.key": tls.key,
    ...(tls.ca === undefined ? {} : { "ca.crt": tls.ca }),
  }
}

function text(lines: readonly Line[]): string {
  return lines
    .map((line) => `${line.map((word) => (word === "" ? '""' : word)).join(" ")}\n`)
    .join("")
}
