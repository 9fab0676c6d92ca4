import { expect, test } from "bun:test"
import { join } from "node:path"
import { run } from "../../../src/base/processes/spawn.ts"
import { http } from "../../../src/plugins/healths/http.ts"
import { hookReach, neverStops } from "../../support/hook-reach.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"

test("http does not trust a certificate that no CA signed", async () => {
  await using folder = await temporaryFolder()
  const [key, cert] = [join(folder.path, "key"), join(folder.path, "cert")]
  const made = await run(
    [
      "openssl",
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-subj",
      "/CN=localhost",
      "-addext",
      "subjectAltName=IP:127.0.0.1",
      "-keyout",
      key,
      "-out",
      cert,
    ],
    { timeoutMs: 20_000 },
  )
  expect(made.code).toBe(0)
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    tls: { key: Bun.file(key), cert: Bun.file(cert) },
    fetch: () => new Response("ok"),
  })
  const url = `https://127.0.0.1:${server.port}/`
  expect(await http.open(url, hookReach("/")).healthy(neverStops())).toBe(
    `a certificate that is not trusted from ${url}`,
  )
  await server.stop(true)
})
