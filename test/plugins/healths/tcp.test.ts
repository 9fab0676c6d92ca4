import { expect, test } from "bun:test"
import { tcp } from "../../../src/plugins/healths/tcp.ts"
import { hookReach, neverStops } from "../../support/hook-reach.ts"

function ask(options: string, signal: AbortSignal = neverStops()): Promise<true | string> {
  return tcp.open(tcp.options.parse(options), hookReach("/")).healthy(signal)
}

test("tcp is healthy where a port accepts, on IPv4, a name and IPv6", async () => {
  for (const [hostname, written] of [
    ["127.0.0.1", "127.0.0.1"],
    ["127.0.0.1", "localhost"],
    ["::1", "[::1]"],
  ] as const) {
    const server = Bun.listen({ hostname, port: 0, socket: { data: () => undefined } })
    expect(await ask(`${written}:${server.port}`)).toBe(true)
    server.stop(true)
    expect(await ask(`${written}:${server.port}`)).toBe(
      `connection refused from ${written}:${server.port}`,
    )
  }
})

test("tcp ends with its signal", async () => {
  expect(await ask("127.0.0.1:9", AbortSignal.abort())).toBe("no answer from 127.0.0.1:9")
})

test("tcp refuses what is no host and port, and quotes none of it", () => {
  for (const bad of [
    "s3cret",
    "s3cret:0",
    "s3cret:65536",
    "s3cret:x",
    ":80",
    "a b:80",
    "http://s3cret:80",
    "::1:80",
    "u:p@s3cret:80",
    "",
    80,
    {},
  ]) {
    const result = tcp.options.safeParse(bad)
    expect(result.success).toBe(false)
    expect(JSON.stringify(result.error?.issues)).not.toContain("s3cret")
  }
})
