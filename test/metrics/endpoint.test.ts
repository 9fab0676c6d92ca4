import { describe, expect, test } from "bun:test"
import { connect } from "node:net"
import { join } from "node:path"
import { Endpoint } from "../../src/metrics/endpoint.ts"
import { Observer } from "../../src/metrics/observer.ts"
import { openApp } from "../support/open-app.ts"
import { temporaryFolder } from "../support/temp-folder.ts"
import { freePort } from "../support/servers/free-port.ts"

/** The address of a service, over real sockets, with the clocks in hand. */

async function openEndpoint(port: number) {
  const folder = await temporaryFolder()
  const clock = { monotonic: 0 }
  const app = await openApp(
    folder.path,
    "project: shop\nstore: ./store\nrotate_every: 30d\nenvironments:\n  production:\n    secrets: { key: generated }\n",
    {
      host: {
        now: () => new Date("2026-03-02T12:00:00Z"),
        monotonicMs: () => clock.monotonic,
        random: (count) => crypto.getRandomValues(new Uint8Array(count)),
        env: (name) => (name === "XDG_CONFIG_HOME" ? join(folder.path, "config") : undefined),
        pause: async () => undefined,
      },
    },
  )
  const observer = new Observer(app, { version: "1", isService: true })
  const said: (string | undefined)[] = []
  const endpoint = new Endpoint(
    {
      app,
      me: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
      observer,
      onListen: (_, failure) => said.push(failure?.code),
    },
    { host: "127.0.0.1", port },
  )
  return {
    endpoint,
    clock,
    observer,
    said,
    [Symbol.asyncDispose]: async () => {
      endpoint.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}

/** Sends these bytes and answers all that came back until the connection ended. */
function raw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let text = ""
    const socket = connect({ host: "127.0.0.1", port }, () => socket.write(bytes))
    socket.on("data", (data) => (text += data.toString()))
    socket.on("error", () => undefined)
    socket.on("close", () => resolve(text))
  })
}

describe("/healthz", () => {
  test("says 503 once no round has come for three minutes, and 200 when one has", async () => {
    const port = await freePort()
    await using it = await openEndpoint(port)
    await it.endpoint.open()
    const ask = async (): Promise<readonly [number, string]> => {
      const answer = await fetch(`http://127.0.0.1:${port}/healthz`)
      return [answer.status, await answer.text()]
    }
    it.clock.monotonic = 180_000
    expect(await ask()).toEqual([200, "ok\n"])
    it.clock.monotonic = 181_000
    expect(await ask()).toEqual([503, "no round for 181 s\n"])
    it.endpoint.round(undefined, [])
    expect(await ask()).toEqual([200, "ok\n"])
  })
})

describe("a request", () => {
  test.each([
    ["another path", "GET /secrets HTTP/1.1\r\nHost: localhost\r\n\r\n", "404 Not Found"],
    [
      "a path with ..",
      "GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "404 Not Found",
    ],
    ["a POST", "POST /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", "405 Method Not Allowed"],
    [
      "a page's name",
      "GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n",
      "421 Misdirected Request",
    ],
    ["no request", "\x16\x03\x01\r\n\r\n", "400 Bad Request"],
    [
      "a huge header",
      `GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}\r\n\r\n`,
      "431 Request Header Fields Too Large",
    ],
  ])("with %s gets its answer, and nothing else", async (_, bytes, status) => {
    const port = await freePort()
    await using it = await openEndpoint(port)
    await it.endpoint.open()
    const text = await raw(port, bytes)
    expect(text).toStartWith(`HTTP/1.1 ${status}\r\n`)
    expect(text).not.toContain("mycelium_")
  })

  test("by HEAD gets no body; by HTTP/1.0 one without chunks; a page of another origin may not read it", async () => {
    const port = await freePort()
    await using it = await openEndpoint(port)
    await it.endpoint.open()
    const head = await raw(port, "HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    expect(head).toStartWith("HTTP/1.1 200 OK\r\n")
    expect(head).toEndWith("\r\n\r\n")
    expect(head).toContain("Cross-Origin-Resource-Policy: same-origin\r\n")
    expect(head.toLowerCase()).not.toContain("access-control")
    const old = await raw(port, "GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")
    expect(old).not.toContain("chunked")
    expect(old).toContain("\r\n\r\n# HELP mycelium_build_info")
    const pipelined = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(3)
    expect((await raw(port, pipelined)).split("HTTP/1.1")).toHaveLength(2)
  })

  test("that is never finished ends after ten seconds; 1,000 at once take no more than a few files", async () => {
    const port = await freePort()
    await using it = await openEndpoint(port)
    await it.endpoint.open()
    const began = performance.now()
    const slow = raw(port, "GET /metrics HTTP/1.1\r\nHost: loc")
    const many = Array.from({ length: 1000 }, () => raw(port, "GET /met"))
    // Those beyond the few are ended at once.
    const first = await Promise.race([Promise.all(many).then(() => "all"), Promise.any(many)])
    expect(first).toBe("")
    await Promise.all([slow, ...many])
    expect(performance.now() - began).toBeGreaterThan(9000)
    expect(await (await fetch(`http://127.0.0.1:${port}/healthz`)).text()).toBe("ok\n")
  }, 40_000)

  test("that is not read to its end is given up", async () => {
    const port = await freePort()
    await using it = await openEndpoint(port)
    await it.endpoint.open()
    const socket = connect({ host: "127.0.0.1", port })
    socket.on("error", () => undefined)
    await new Promise<void>((resolve) => socket.once("connect", () => resolve()))
    socket.write("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    socket.destroy()
    expect(await (await fetch(`http://127.0.0.1:${port}/healthz`)).text()).toBe("ok\n")
  })
})

test("an address that is taken is said once, and tried again no sooner than every half minute", async () => {
  const port = await freePort()
  const holder = Bun.listen({ hostname: "127.0.0.1", port, socket: { data: () => undefined } })
  await using it = await openEndpoint(port)
  await it.endpoint.open()
  it.clock.monotonic = 29_000
  it.endpoint.round(undefined, [])
  it.clock.monotonic = 31_000
  it.endpoint.round(undefined, [])
  await it.endpoint.openAgain()
  expect(it.said).toEqual(["listen-taken"])
  holder.stop(true)
  it.clock.monotonic = 50_000
  it.endpoint.round(undefined, [])
  await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow()
  it.clock.monotonic = 62_000
  it.endpoint.round(undefined, [])
  await it.endpoint.openAgain()
  expect(it.said).toEqual(["listen-taken", undefined])
  expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
})
