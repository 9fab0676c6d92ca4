import { z } from "zod"
import { once } from "../core/once.ts"

/**
 * Where the service answers for metrics and health. Nothing there is encrypted and no password is
 * asked for, so it is this machine alone.
 */
export type ListenConfig =
  | { readonly host: string; readonly port: number }
  /** A unix socket; relative to the config's folder, as it is written. */
  | { readonly path: string }

// No example here: a message that repeats what was written is not shown.
const expected = "expected an address of loopback with its port, or unix: and a path"
const notHere =
  "only this machine may ask, for there is neither TLS nor a password: expected an address of " +
  "loopback, such as 127.0.0.1, with its port, or unix: and a path"
const tooLong = "the path of a unix socket has at most 100 bytes"
/** The kernel takes 107. */
const longestPath = 100

export const Listen = once(() =>
  z
    .string(expected)
    .meta({ title: "address", pattern: "^(127\\.|\\[::1\\]:|unix:)", examples: ["127.0.0.1:9187"] })
    .transform((input, context): ListenConfig => {
      const found = parse(input)
      if (typeof found !== "string") return found
      context.issues.push({ code: "custom", input, message: found })
      return z.NEVER
    }),
)

/** An address, or what is wrong with it. */
function parse(input: string): ListenConfig | string {
  if (input.startsWith("unix:")) return parsePath(input.slice("unix:".length))
  const [, host = "", digits = ""] = /^(\[[\da-fA-F:.]+\]|[\w.*-]+):(\d{1,5})$/.exec(input) ?? []
  const port = Number(digits)
  if (host === "" || port < 1 || port > 65_535) return expected
  if (host === "[::1]") return { host: "::1", port }
  return /^127(\.(\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])){3}$/.test(host) ? { host, port } : notHere
}

function parsePath(path: string): ListenConfig | string {
  if (path === "" || path.endsWith("/") || path.includes("\0")) return expected
  return Buffer.byteLength(path) > longestPath ? tooLong : { path }
}
