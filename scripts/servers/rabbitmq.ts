import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { debianPackages, libraryPath } from "./debian.ts"
import { type Found, missing } from "./found.ts"

let asked: Promise<Found> | undefined

/**
 * The distribution's RabbitMQ and Erlang, unpacked: always, for an installed one is a service of
 * the machine's, with folders of its own. `bin` is Erlang's: erlexec and epmd.
 */
export function rabbitmqPrograms(): Promise<Found> {
  asked ??= find()
  return asked
}

/** What rabbitmq-server depends on (`apt-cache depends`), without the rest of Erlang. */
const erlang = [
  "asn1",
  "base",
  "crypto",
  "eldap",
  "inets",
  "mnesia",
  "os-mon",
  "parsetools",
  "public-key",
  "runtime-tools",
  "ssl",
  "syntax-tools",
  "tools",
  "xmerl",
].map((part) => `erlang-${part}`)

async function find(): Promise<Found> {
  const entry = await debianPackages(
    "rabbitmq",
    erlang,
    ["rabbitmq-server"],
    /^(lib|erlang-)[a-z0-9.+-]+$/,
  )
  if ("why" in entry) return missing(entry.why)
  const root = entry.folder
  const [runtime] = await named(join(root, "usr/lib/erlang"), /^erts-/)
  const [server] = await named(join(root, "usr/lib/rabbitmq/lib"), /^rabbitmq_server-/)
  if (runtime === undefined || server === undefined)
    return missing(`${root} holds no RabbitMQ; remove it, and it is fetched anew`)
  const bin = join(root, "usr/lib/erlang", runtime, "bin")
  const version = server.replace("rabbitmq_server-", "")
  const env = {
    LD_LIBRARY_PATH: libraryPath(root),
    ROOTDIR: join(root, "usr/lib/erlang"),
    BINDIR: bin,
    EMU: "beam",
    PROGNAME: "erl",
    RABBITMQ_HOME: join(root, "usr/lib/rabbitmq/lib", server),
    ERL_LIBS: join(root, "usr/lib/rabbitmq/lib", server, "plugins"),
  }
  return { found: true, bin, root, env, version, message: `RabbitMQ ${version} in ${root}` }
}

async function named(folder: string, pattern: RegExp): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => [])
  return names.filter((name) => pattern.test(name))
}
