import { describe, expect, test } from "bun:test"
import { load, told } from "./fake-plugins.ts"

const rest = "\nproject: s\nrotate_every: 90d\nenvironments: { a: { secrets: { k: generated } } }\n"

describe("listen", () => {
  test.each([
    ["127.0.0.1:9187", { host: "127.0.0.1", port: 9187 }],
    ["127.4.5.6:1", { host: "127.4.5.6", port: 1 }],
    ["'[::1]:9187'", { host: "::1", port: 9187 }],
    ["unix:/run/mycelium/metrics.sock", { path: "/run/mycelium/metrics.sock" }],
  ])("%s", (written, listen) => {
    expect(load(`listen: ${written}${rest}`).listen).toEqual(listen)
  })

  test("unix: is relative to the config, as all paths are", () => {
    const { folder, listen } = load(`listen: unix:m.sock${rest}`)
    expect(listen).toEqual({ path: `${folder}/m.sock` })
  })

  test("is nowhere, unless it is written", () => {
    expect(load(rest).listen).toBeUndefined()
  })

  // What can be reached from elsewhere would need TLS and a password.
  test.each([
    "0.0.0.0:9187",
    "'[::]:9187'",
    "10.1.2.3:9187",
    "rotator.internal:9187",
    "localhost:9187",
    "127.0.0.1.example.com:9187",
    "127.0.0.256:9187",
    "'*:9187'",
  ])("%s is refused: only this machine may ask", (written) => {
    expect(told(`listen: ${written}${rest}`)).toContain(
      "only this machine may ask, for there is neither TLS nor a password: expected an address of " +
        "loopback, such as 127.0.0.1, with its port, or unix: and a path",
    )
  })

  test.each([
    "9187",
    "'9187'",
    "':9187'",
    "127.0.0.1",
    "127.0.0.1:0",
    "127.0.0.1:70000",
    "'unix:'",
    "unix:/run/",
  ])("%s is no address", (written) => {
    expect(told(`listen: ${written}${rest}`)).toContain(
      "expected an address of loopback with its port, or unix: and a path",
    )
  })

  test("a path that the kernel would cut is refused", () => {
    expect(told(`listen: unix:/${"x".repeat(100)}${rest}`)).toContain(
      "the path of a unix socket has at most 100 bytes",
    )
  })
})
