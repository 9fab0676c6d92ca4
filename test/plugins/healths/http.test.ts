import { expect, test } from "bun:test"
import { writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { run } from "../../../src/base/processes/spawn.ts"
import { http } from "../../../src/plugins/healths/http.ts"
import { hookReach, neverStops } from "../../support/hook-reach.ts"
import { bun, source } from "../../support/running.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"

function ask(options: unknown, signal: AbortSignal = neverStops()): Promise<true | string> {
  return http.open(http.options.parse(options), hookReach("/")).healthy(signal)
}

function serve(
  answer: (path: string) => Response | Promise<Response>,
): Disposable & { readonly url: string } {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) => answer(new URL(request.url).pathname),
  })
  return { url: `http://127.0.0.1:${server.port}`, [Symbol.dispose]: () => void server.stop(true) }
}

test("http is healthy on 200 to 299, and says the status otherwise, without the query", async () => {
  using server = serve((path) => new Response("", { status: Number(path.slice(1)) }))
  expect(await ask(`${server.url}/200`)).toBe(true)
  expect(await ask(`${server.url}/204`)).toBe(true)
  expect(await ask(`${server.url}/503?token=s3cret#s3cret`)).toBe(`503 from ${server.url}/503`)
  expect(http.open(`${server.url}/x?token=s3cret`, hookReach("/")).label).toBe(
    `http ${server.url}/x`,
  )
})

test("http follows no redirect", async () => {
  using server = serve((path) =>
    path === "/"
      ? new Response("", { status: 302, headers: { location: "/ok" } })
      : new Response(""),
  )
  expect(await ask(server.url)).toBe(`302 from ${server.url}/`)
})

test("http takes other statuses, and a text that the body must hold", async () => {
  using server = serve(
    (path) =>
      new Response(path === "/late" ? `${"x".repeat(100_000)}pong` : "ping pong", { status: 418 }),
  )
  expect(await ask({ url: server.url, status: 418 })).toBe(true)
  expect(await ask({ url: server.url, status: [200, 418], expect: "pong" })).toBe(true)
  expect(await ask({ url: server.url, status: [200, 201] })).toBe(`418 from ${server.url}/`)
  expect(await ask({ url: server.url, status: 418, expect: "s3cret" })).toBe(
    `418 without the expected text from ${server.url}/`,
  )
  // Only the first 64 KiB are read.
  expect(await ask({ url: `${server.url}/late`, status: 418, expect: "pong" })).toBe(
    `418 without the expected text from ${server.url}/late`,
  )
})

test("http reads no more of an endless body than it needs", async () => {
  using server = serve(
    () =>
      new Response(
        new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) }),
      ),
  )
  expect(await ask(server.url)).toBe(true)
  expect(await ask({ url: server.url, expect: "pong" })).toBe(
    `200 without the expected text from ${server.url}/`,
  )
})

test("http asks for no compression, and undoes none: a gigabyte in a small answer is never made", async () => {
  let asked: string | null = null
  const small = gzipSync(Buffer.alloc(1024 ** 3))
  using server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: ({ headers }) => {
      asked = headers.get("accept-encoding")
      return new Response(small, { headers: { "content-encoding": "gzip" } })
    },
  })
  const url = `http://127.0.0.1:${server.port}`
  expect(await ask(url)).toBe(true)
  const before = process.memoryUsage().rss
  expect(await ask({ url, expect: "pong" })).toBe(`200 without the expected text from ${url}/`)
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 ** 2)
  expect(asked as string | null).toBe("identity")
}, 30_000)

test("http ends with its signal where a server accepts and never answers", async () => {
  using server = serve(() => new Promise<Response>(() => undefined))
  expect(await ask(server.url, AbortSignal.timeout(50))).toBe(`no answer from ${server.url}/`)
  expect(await ask(server.url, AbortSignal.abort())).toBe(`no answer from ${server.url}/`)
  // The head has come, the body never ends.
  using slow = serve(
    () =>
      new Response(
        new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1)) }),
      ),
  )
  expect(await ask({ url: slow.url, expect: "x" }, AbortSignal.timeout(200))).toBe(
    `no answer from ${slow.url}/`,
  )
})

test("http says if no program listens, if the name is unknown, and if the answer is not HTTP", async () => {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("") })
  const { port } = server
  await server.stop(true)
  expect(await ask(`http://127.0.0.1:${port}/`)).toBe(
    `connection refused from http://127.0.0.1:${port}/`,
  )
  expect(await ask("http://nowhere.invalid/")).toContain("no answer from http://nowhere.invalid/")
  const odd = createServer(
    (socket) => void socket.on("error", () => undefined).end("s3cret\r\n\r\n"),
  ).listen(0, "127.0.0.1")
  await new Promise((resolve) => odd.once("listening", resolve))
  const address = odd.address()
  const place = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/`
  expect(await ask(place, AbortSignal.timeout(2000))).toBe(`no answer from ${place}`)
  odd.close()
})

test("http is deaf to a proxy in the environment, on loopback and elsewhere", async () => {
  await using folder = await temporaryFolder()
  using server = serve(() => new Response("direct"))
  // A proxy that answers 200 to everything: through it, every address would look healthy.
  using proxy = serve(() => new Response("proxied"))
  const script = join(folder.path, "ask.ts")
  const open = `http.open(address, { folder: "/", label: "x", env: () => undefined })`
  await writeFile(
    script,
    `import { http } from "${source}plugins/healths/http.ts"\n` +
      "for (const address of process.argv.slice(2)) console.log(await " +
      `${open}.healthy(AbortSignal.timeout(5000)))\n`,
  )
  const env = {
    HTTP_PROXY: proxy.url,
    http_proxy: proxy.url,
    HTTPS_PROXY: proxy.url,
    https_proxy: proxy.url,
    ALL_PROXY: proxy.url,
  }
  const result = await run([bun, script, server.url, "http://nowhere.invalid/"], {
    timeoutMs: 20_000,
    env,
  })
  const [first, second] = result.stdout.split("\n")
  expect(first).toBe("true")
  expect(second).toContain("no answer from http://nowhere.invalid/")
})

test("http refuses other addresses, and quotes none", () => {
  const bad = [
    "ftp://s3cret/",
    "s3cret",
    "http://user:s3cret@host/",
    "http://s3cret@host/",
    "",
    7,
    { url: "file:///s3cret" },
    { url: "http://a", status: 99 },
    { url: "http://a", status: [] },
    { url: "http://a", extra: "s3cret" },
    {},
  ]
  for (const options of bad) {
    const result = http.options.safeParse(options)
    expect(result.success).toBe(false)
    expect(JSON.stringify(result.error?.issues)).not.toContain("s3cret")
  }
})

test.each([
  ["100", "HTTP/1.1 100 Continue\r\n\r\n"],
  ["103", "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"],
])(
  "http reads no endless row of %s",
  async (_, word) => {
    const row = Buffer.from(word.repeat(2000))
    let sent = 0
    const server = createServer((socket) => {
      const more = (): void => {
        while (!socket.destroyed && socket.write(row)) sent += row.length
      }
      socket.on("drain", more).on("error", () => undefined)
      socket.once("data", more)
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const { port } = server.address() as { readonly port: number }
    expect(await ask(`http://127.0.0.1:${port}/`)).toContain("no answer")
    // What the kernel holds between the two, and no more.
    expect(sent).toBeLessThan(16 * 1024 * 1024)
    server.close()
  },
  30_000,
)

test("http takes an answer that some words come before", async () => {
  const server = createServer((socket) => {
    socket.once("data", () =>
      socket.end(
        `${"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".repeat(5)}HTTP/1.1 200 OK\r\n` +
          `content-length: 0\r\n` +
          `\r\n`,
      ),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as { readonly port: number }
  expect(await ask(`http://127.0.0.1:${port}/`)).toBe(true)
  server.close()
})
