import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { createServer as createPlain } from "node:http"
import { createServer } from "node:https"
import type { AddressInfo } from "node:net"
import fc from "fast-check"
import { Secret } from "../../../../src/core/secret.ts"
import { ask, type HttpRequest, jsonIn } from "../../../../src/plugins/drivers/server/http.ts"
import { HttpReader } from "../../../../src/plugins/drivers/server/http-reader.ts"
import { makeAuthority } from "../../../support/certificates.ts"
import { errorOf } from "../../../support/error-of.ts"
import { peer, soon } from "../harness.ts"

const authority = makeAuthority()
const value = "a-value-that-nobody.sees1"
const login = { user: "rotator", password: new Secret("password", value) }
const asked: { method: string; path: string; login: string; body: string }[] = []

const listens = async (server: ReturnType<typeof createPlain>): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return (server.address() as AddressInfo).port
}
const answers: Parameters<typeof createPlain>[1] = (request, response) => {
  let body = ""
  request.on("data", (chunk: Buffer) => (body += chunk.toString()))
  request.on("end", () => {
    const { method = "", url = "", headers } = request
    asked.push({ method, path: url, login: headers.authorization ?? "", body })
    if (url === "/none") return void response.writeHead(204).end()
    if (url === "/moved") return void response.writeHead(302, { location: "/" }).end()
    // In pieces: chunked.
    if (url === "/pieces") {
      response.write("one, ")
      return void response.end("two")
    }
    response.end(`said to ${method}`)
  })
}

let secure: ReturnType<typeof createServer>
let plain: ReturnType<typeof createPlain>
let ports: { secure: number; plain: number }
beforeAll(async () => {
  const { certificate, key } = authority.issue(["api.test"])
  secure = createServer({ cert: certificate, key }, answers)
  plain = createPlain({}, answers)
  ports = { secure: await listens(secure), plain: await listens(plain) }
})
afterAll(() => {
  secure.closeAllConnections()
  secure.close()
  plain.closeAllConnections()
  plain.close()
})

const get = (path: string): HttpRequest => ({ method: "GET", path })
const trusted = { ca: authority.certificate, name: "api.test" }
const through = (request: HttpRequest, tls = trusted): ReturnType<typeof ask> =>
  ask({ address: { host: "127.0.0.1", port: ports.secure }, tls }, login, request, soon())

describe("ask()", () => {
  test("gives a status and a body, in one piece or in several, or none", async () => {
    const said = async (path: string): Promise<object> => {
      const { date, ...rest } = await through(get(path))
      // The server's clock, in whole seconds: it may be the one before.
      expect(Math.abs(Date.now() - Date.parse(date ?? ""))).toBeLessThan(10_000)
      return rest
    }
    expect(await said("/")).toEqual({ status: 200, body: "said to GET" })
    expect(await said("/pieces")).toEqual({ status: 200, body: "one, two" })
    expect(await said("/none")).toEqual({ status: 204, body: "" })
  })

  test("follows no redirect", async () => {
    asked.length = 0
    expect((await through(get("/moved"))).status).toBe(302)
    expect(asked.map(({ path }) => path)).toEqual(["/moved"])
  })

  test("sends a body as JSON, and the login by basic authentication", async () => {
    asked.length = 0
    await through({ method: "PUT", path: "/api/users/a%20b", body: { tags: ["ünï"] } })
    expect(asked).toEqual([
      {
        method: "PUT",
        path: "/api/users/a%20b",
        login: `Basic ${Buffer.from(`rotator:${value}`).toString("base64")}`,
        body: '{"tags":["ünï"]}',
      },
    ])
  })

  test("sends nothing to who has another authority's certificate", async () => {
    asked.length = 0
    const other = { ...trusted, ca: makeAuthority("another").certificate }
    expect(await errorOf(through(get("/"), other))).toMatchObject({ code: "tls-unverified" })
    expect(asked).toEqual([])
  })

  test("in clear, who listens is looked at before the login goes out", async () => {
    asked.length = 0
    const seen: string[] = []
    const gate = async (): Promise<AsyncDisposable & { check(): Promise<void> }> => ({
      check: async () => void seen.push(`${asked.length} asked, login ${asked[0]?.login}`),
      [Symbol.asyncDispose]: async () => undefined,
    })
    const address = { host: "127.0.0.1", port: ports.plain }
    expect((await ask({ address, gate }, login, get("/x"), soon())).status).toBe(200)
    expect(seen).toEqual(["1 asked, login "])
    asked.length = 0
    const stranger: typeof gate = async () => ({
      ...(await gate()),
      check: () => Promise.reject(new Error("another user")),
    })
    await ask({ address, gate: stranger }, login, get("/x"), soon()).catch(() => undefined)
    expect(asked.map((one) => one.login)).toEqual([""])
  })

  test("meets its deadline, and takes what is no HTTP for that", async () => {
    await using silent = await peer(() => undefined)
    await using other = await peer((socket) => void socket.write("220 mail.test\r\n"))
    const at = (port: number, ms = 5000): Promise<unknown> =>
      errorOf(ask({ address: { host: "127.0.0.1", port } }, login, get("/"), soon(ms)))
    expect(await at(silent.port, 200)).toMatchObject({ code: "timeout", remedy: "retry" })
    const error = await at(other.port)
    expect(error).toMatchObject({ code: "answer-malformed" })
    expect(Bun.inspect(error)).not.toContain(value)
  })

  test("reads JSON, and quotes nothing of what is none", () => {
    expect(jsonIn({ status: 200, body: '{"a":[1]}' }, "at x")).toEqual({ a: [1] })
    const wrong = (): unknown => jsonIn({ status: 200, body: `{"a":${value}` }, "at x")
    expect(wrong).toThrow("at x: the server's answer is not understood")
    expect(wrong).not.toThrow(value)
  })

  test.each(["/a b", "/a\r\nx: y", "no-slash"])("refuses the path %j", async (path) => {
    expect(await errorOf(through(get(path)))).toMatchObject({ code: "internal" })
  })
})

describe("HttpReader", () => {
  const whole =
    "HTTP/1.1 200 OK\r\n" +
    "Content-Length: 3\r\n" +
    "\r\n" +
    "abcHTTP/1.1 100 Continue\r\n" +
    "\r\n" +
    "HTTP/1.1 404 No\r\n" +
    "Transfer-Encoding: chunked\r\n" +
    "\r\n" +
    "2\r\n" +
    "de\r\n" +
    "0\r\n" +
    "\r\n"

  test("reads the same in whatever pieces it comes", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length)), (cuts) => {
        const reader = new HttpReader()
        const found: unknown[] = []
        const at = [...new Set([0, ...cuts, whole.length])].sort((a, b) => a - b)
        for (const [index, start] of at.entries()) {
          reader.push(Buffer.from(whole.slice(start, at[index + 1] ?? whole.length)))
          for (let next = reader.next(); next !== undefined; next = reader.next()) found.push(next)
        }
        expect(found).toEqual([
          { status: 200, body: "abc" },
          { status: 404, body: "de" },
        ])
        expect(reader.rest).toBe(0)
      }),
    )
  })

  test.each([
    "SSH-2.0-x\r\n",
    "HTTP/2 200\r\n\r\n",
    "HTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxx\r\n",
  ])("refuses %j", (text) => {
    const reader = new HttpReader()
    reader.push(Buffer.from(text))
    expect(() => reader.next()).toThrow("does not speak HTTP/1.1")
  })
})

describe("an answer that costs more than it is long", () => {
  const head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"

  test("is read once, however it arrives; too many chunks are refused", () => {
    const reader = new HttpReader()
    reader.push(Buffer.from(head))
    const few = Buffer.from("1\r\na\r\n".repeat(1000))
    const read = (): void => {
      for (let packet = 0; packet < 100; packet++) {
        reader.push(few)
        reader.next()
      }
    }
    expect(read).toThrow("does not speak HTTP/1.1")
  })

  test("is refused beyond the most that is taken of a process that is not known yet", () => {
    const reader = new HttpReader()
    reader.most = 1000
    reader.push(Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n${"x".repeat(1000)}`))
    expect(() => reader.next()).toThrow("does not speak HTTP/1.1")
  })

  test("in any pieces is the same answer", () => {
    const text = `${head}5\r\nhello\r\n1;x=y\r\n \r\n5\r\nworld\r\n0\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n`
    for (let size = 1; size < text.length; size++) {
      const reader = new HttpReader()
      const found: (readonly [number, string])[] = []
      for (let at = 0; at < text.length; at += size) {
        reader.push(Buffer.from(text.slice(at, at + size)))
        for (let one = reader.next(); one !== undefined; one = reader.next())
          found.push([one.status, one.body])
      }
      expect([size, found, reader.rest]).toEqual([
        size,
        [
          [200, "hello world"],
          [204, ""],
        ],
        0,
      ])
    }
  })
})
