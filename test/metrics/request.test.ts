import { describe, expect, test } from "bun:test"
import { requestOf } from "../../src/metrics/request.ts"

const head = (...lines: readonly string[]): string => lines.join("\r\n")
const port = { isPort: true }

describe("the head of a request", () => {
  test.each([
    ["GET /metrics HTTP/1.1", { method: "GET", path: "/metrics", takesChunks: true }],
    ["HEAD /healthz HTTP/1.0", { method: "HEAD", path: "/healthz", takesChunks: false }],
    ["GET /metrics?a=b HTTP/1.1", { method: "GET", path: "/metrics", takesChunks: true }],
    ["GET /../etc/passwd HTTP/1.1", { method: "GET", path: "/../etc/passwd", takesChunks: true }],
  ] as const)("%s", (line, request) => {
    expect(requestOf(head(line, "Host: 127.0.0.1:9187"), port)).toEqual(request)
  })

  test.each([
    ["POST /metrics HTTP/1.1", 405],
    ["OPTIONS /metrics HTTP/1.1", 405],
    ["GET http://127.0.0.1/metrics HTTP/1.1", 400],
    ["GET /metrics HTTP/2.0", 400],
    ["GET /metrics", 400],
    ["\u0016\u0003\u0001", 400],
    ["", 400],
  ])("%j is refused", (line, status) => {
    expect(requestOf(head(line, "Host: 127.0.0.1:9187"), port)).toMatchObject({ status })
  })

  test.each([
    "127.0.0.1",
    "127.0.0.1:9187",
    "localhost:9187",
    "LOCALHOST",
    "[::1]:9187",
    "127.1.2.3:80",
  ])("asks for this machine by %s", (host) => {
    expect(requestOf(head("GET / HTTP/1.1", `hOsT:  ${host} `), port)).toMatchObject({ path: "/" })
  })

  // A page in a browser reaches a port of loopback by a name that its owner lets lead there.
  test.each([
    "Host: attacker.example:9187",
    "Host: 127.0.0.1.attacker.example",
    "Host: localhost.attacker.example",
    "Host: 10.0.0.1:9187",
    "Host:",
    "X-Host: 127.0.0.1",
    "Host: 127.0.0.1\r\nHost: attacker.example",
  ])("asks for another machine by %j, so a port refuses it", (lines) => {
    expect(requestOf(head("GET / HTTP/1.1", lines), port)).toMatchObject({ status: 421 })
    expect(requestOf(head("GET / HTTP/1.1", lines), { isPort: false })).toMatchObject({
      path: "/",
    })
  })
})
