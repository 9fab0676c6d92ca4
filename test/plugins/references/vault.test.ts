import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { generateKeyPairSync, sign } from "node:crypto"
import { rmSync } from "node:fs"
import { chmod } from "node:fs/promises"
import { ActivityScope } from "../../../src/base/activity-scope.ts"
import type { AppError } from "../../../src/base/error.ts"
import { run } from "../../../src/base/processes/spawn.ts"
import { realHost } from "../../../src/base/system/host.ts"
import type { ReferenceReach } from "../../../src/core/define.ts"
import { ReferenceOptions, placeOf, readReference } from "../../../src/plugins/references/index.ts"
import { makeAuthority } from "../../support/certificates.ts"
import { errorOf } from "../../support/error-of.ts"
import { type OpenBaoServer, startOpenBao, whyNoOpenBao } from "../../support/servers/openbao.ts"
import { type TemporaryFolder, temporaryFolder } from "../../support/temp-folder.ts"

const missing = await whyNoOpenBao()
if (missing !== undefined) console.warn(`the reference vault is not tested: ${missing}`)

const readPolicy = 'path "secret/data/*" { capabilities = ["read"] }'
const value = `v-${crypto.randomUUID()}`

describe.skipIf(missing !== undefined)("the reference vault, at a real OpenBao", () => {
  let server: OpenBaoServer
  let folder: TemporaryFolder
  let reach: ReferenceReach
  beforeAll(async () => {
    server = await startOpenBao()
    folder = await temporaryFolder()
    reach = { folder: folder.path, env: () => undefined, run, host: realHost({}) }
    await server.write("shop/rotator", { password: value, port: 5432 })
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  async function hold(name: string, text: string): Promise<{ readonly file: string }> {
    await Bun.write(`${folder.path}/${name}`, text)
    await chmod(`${folder.path}/${name}`, 0o600)
    return { file: name }
  }
  async function byToken(policy = readPolicy, options = {}): Promise<object> {
    return { token: await hold(crypto.randomUUID(), await server.token(policy, options)) }
  }
  async function read(auth: object, entry: object = {}, how = reach): Promise<string> {
    const reference = ReferenceOptions().parse({
      vault: {
        server: { address: server.address, auth, listener: "any" },
        path: "shop/rotator",
        field: "password",
        ...entry,
      },
    })
    return (await readReference(reference, how)).reveal()
  }
  const codeOf = async (act: Promise<unknown>): Promise<string> => (await errorOf(act)).code

  test("reads a field by a token, which stays", async () => {
    const auth = await byToken()
    const before = await server.tokens()
    expect(await read(auth)).toBe(value)
    expect(await server.tokens()).toBe(before)
  })

  test("reads it by AppRole, and leaves no token behind", async () => {
    const role = await server.approle(readPolicy)
    const before = await server.tokens()
    const secret_id = await hold("secret-id", role.secretId)
    expect(await read({ approle: { role_id: role.roleId, secret_id } })).toBe(value)
    expect(await server.tokens()).toBe(before)
  })

  test("reads it by a service account of Kubernetes, whose login is a role and a token", async () => {
    // OpenBao's method `jwt` takes the same login; the token's review by Kubernetes is not tried here.
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
    await server.ask("POST", "sys/auth/kubernetes", { type: "jwt" })
    const pem = publicKey.export({ type: "spki", format: "pem" })
    await server.ask("POST", "auth/kubernetes/config", { jwt_validation_pubkeys: [pem] })
    await server.ask("PUT", "sys/policies/acl/reader", { policy: readPolicy })
    await server.ask("POST", "auth/kubernetes/role/mycelium", {
      role_type: "jwt",
      user_claim: "sub",
      bound_subject: "system:serviceaccount:shop:mycelium",
      token_policies: ["reader"],
    })
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url")
    const now = Math.floor(Date.now() / 1000)
    const claims = { sub: "system:serviceaccount:shop:mycelium", iat: now, exp: now + 600 }
    const head = `${part({ alg: "ES256", typ: "JWT" })}.${part(claims)}`
    const key = { key: privateKey, dsaEncoding: "ieee-p1363" } as const
    const signature = sign("sha256", Buffer.from(head), key).toString("base64url")
    await hold("service-account", `${head}.${signature}\n`)
    const auth = { kubernetes: { role: "mycelium", token_file: "service-account" } }
    expect(await read(auth)).toBe(value)
    const other = { kubernetes: { role: "other", token_file: "service-account" } }
    expect(await codeOf(read(other))).toBe("vault-login-refused")
  })

  test("logs in once for a whole turn, and gives the login back at its end", async () => {
    const role = await server.approle(readPolicy)
    const auth = {
      approle: { role_id: role.roleId, secret_id: await hold("secret-id", role.secretId) },
    }
    const before = await server.tokens()
    const activity = new ActivityScope()
    const leave = activity.join()
    const how = { ...reach, activity }
    const read4 = await Promise.all([1, 2, 3, 4].map(() => read(auth, {}, how)))
    expect(new Set(read4)).toEqual(new Set([value]))
    expect(await server.tokens()).toBe(before + 1)
    await leave()
    expect(await server.tokens()).toBe(before)
  })

  test("a login that expires in the middle of a turn is renewed, or made anew", async () => {
    const role = await server.approle(readPolicy, { token_ttl: "60s", token_max_ttl: "60s" })
    const auth = {
      approle: { role_id: role.roleId, secret_id: await hold("secret-id", role.secretId) },
    }
    const activity = new ActivityScope()
    const leave = activity.join()
    let passed = 0
    const host = { ...realHost({}), monotonicMs: () => passed }
    const how = { ...reach, activity, host }
    expect(await read(auth, {}, how)).toBe(value)
    passed = 50_000
    expect(await read(auth, {}, how)).toBe(value)
    await leave()
  })

  test("a token that was taken away meanwhile: logs in once more, then it is refused", async () => {
    const role = await server.approle(readPolicy)
    const auth = {
      approle: { role_id: role.roleId, secret_id: await hold("secret-id", role.secretId) },
    }
    const activity = new ActivityScope()
    const leave = activity.join()
    const how = { ...reach, activity }
    const before = await server.accessors()
    await read(auth, {}, how)
    await server.revokeAllBut(before)
    expect(await read(auth, {}, how)).toBe(value)
    await server.revokeAllBut(before)
    await server.ask("DELETE", `auth/approle/role/${role.name}`)
    const error = await errorOf(read(auth, {}, how))
    expect([error.code, error.message]).toEqual([
      "vault-login-refused",
      `at ${server.address} as approle: the login is refused`,
    ])
    await leave()
  })

  test("says what is wrong, one sentence each, and quotes nothing that is secret", async () => {
    const auth = await byToken()
    const other = await byToken('path "secret/data/other" { capabilities = ["read"] }')
    const wrong = { token: await hold("wrong", `s.${crypto.randomUUID()}`) }
    const place = `vault:${server.address}/secret/shop/rotator`
    await server.write("gone", { password: value })
    await server.ask("DELETE", "secret/data/gone")
    const errors = await Promise.all([
      errorOf(read(auth, { path: "shop/none" })),
      errorOf(read(auth, { path: "gone" })),
      errorOf(read(auth, { field: "none" })),
      errorOf(read(auth, { field: "port" })),
      errorOf(read(other)),
      errorOf(read(wrong)),
      errorOf(read({ token: await hold("root", server.rootToken) }, { mount: "none" })),
    ])
    expect(errors.map(({ code, message }) => `${code} ${message}`)).toEqual([
      `reference-missing there is no entry vault:${server.address}/secret/shop/none`,
      `reference-missing there is no entry vault:${server.address}/secret/gone`,
      `reference-missing ${place} has no field none`,
      `reference-not-text the field port of ${place} is no text`,
      `not-permitted ${place}, as token: the server does not permit this`,
      `not-permitted ${place}, as token: the server does not permit this`,
      `vault-mount-missing vault:${server.address}/none/shop/rotator, as token: nothing is mounted there`,
    ])
    expect(errors.every(({ hint }) => hint !== undefined)).toBe(true)
  })

  test("a namespace that is not there is told", async () => {
    const auth = { token: await hold("root", server.rootToken) }
    const at = { server: { address: server.address, namespace: "none", auth, listener: "any" } }
    expect(await codeOf(read(auth, at))).toBe("vault-namespace-missing")
  })

  test("reads in a namespace", async () => {
    await server.ask("POST", "sys/namespaces/team", {})
    const how = { namespace: "team" }
    await server.ask("POST", "sys/mounts/kv", { type: "kv", options: { version: "2" } }, how)
    const auth = { token: await hold("root", server.rootToken) }
    const at = {
      server: { address: server.address, namespace: "team", auth, listener: "any" },
      mount: "kv",
    }
    await server.eventually("POST", "kv/data/shop/rotator", { data: { password: value } }, how)
    expect(await read(auth, at)).toBe(value)
  })

  test("a throttled read waits as the server asks, and is then told", async () => {
    const auth = await byToken()
    await server.ask("POST", "sys/quotas/rate-limit/low", {
      rate: 1,
      interval: "1h",
      path: "secret",
    })
    const waits: number[] = []
    const host = {
      now: () => new Date(0),
      monotonicMs: () => 0,
      pause: async (ms: number) => {
        waits.push(ms)
      },
    }
    try {
      await read(auth, {}, { ...reach, host }).catch(() => undefined)
      const error = await errorOf(read(auth, {}, { ...reach, host }))
      expect([error.code, error.remedy]).toEqual(["vault-throttled", "retry"])
    } finally {
      await server.ask("DELETE", "sys/quotas/rate-limit/low")
    }
    expect(waits.every((ms) => ms <= 10_000)).toBe(true)
  })

  test("a sealed server is told as such, and read again once it is unsealed", async () => {
    const auth = await byToken()
    await server.seal()
    const error = await errorOf(read(auth))
    await server.unseal()
    expect([error.code, error.remedy]).toEqual(["vault-sealed", "retry"])
    expect(await read(auth)).toBe(value)
  })

  test("a server that is down, and one that says nothing, are no answers", async () => {
    const auth = await byToken()
    await server.stop("kill")
    const error = await errorOf(read(auth))
    await server.start()
    expect([error.code, error.remedy]).toEqual(["unreachable", "retry"])
    expect(await read(auth)).toBe(value)
  })

  test("a token file that is missing, and a token that is no word, are told", async () => {
    const none = { token: { file: "none" } }
    expect(await codeOf(read(none))).toBe("reference-missing")
    expect(await codeOf(read({ token: await hold("broken", "a b\nc") }))).toBe("reference-not-text")
  })

  test("marked values stand in no error", async () => {
    const role = await server.approle(readPolicy)
    const secret_id = await hold("secret-id", `${role.secretId}x`)
    const error = await errorOf(read({ approle: { role_id: role.roleId, secret_id } }))
    rmSync(`${folder.path}/secret-id`)
    expect(error.code).toBe("vault-login-refused")
    expect(Bun.inspect(error) + (error as AppError).hint).not.toContain(role.secretId)
  })
})

describe.skipIf(missing !== undefined)("over TLS", () => {
  test("verifies the certificate, and logs in by one of its own", async () => {
    const authority = makeAuthority()
    const clients = makeAuthority("clients")
    await using folder = await temporaryFolder()
    const own = clients.issue(["mycelium"])
    for (const [name, text] of Object.entries({
      "ca.pem": authority.certificate,
      "other.pem": makeAuthority("another").certificate,
      "own.pem": own.certificate,
      "own.key": own.key,
    })) {
      await Bun.write(`${folder.path}/${name}`, text)
      await chmod(`${folder.path}/${name}`, 0o600)
    }
    await using server = await startOpenBao({ tls: authority.issue(["127.0.0.1"]) })
    await server.write("shop/rotator", { password: value })
    await server.ask("POST", "sys/auth/cert", { type: "cert" })
    await server.ask("PUT", "sys/policies/acl/reader", { policy: readPolicy })
    await server.ask("POST", "auth/cert/certs/mycelium", {
      certificate: clients.certificate,
      token_policies: ["reader"],
    })
    const reach = { folder: folder.path, env: () => undefined, run }
    const read = async (tls: object): Promise<string> => {
      const at = { address: server.address, auth: { cert: {} }, tls }
      const entry = { server: at, path: "shop/rotator", field: "password" }
      const reference = ReferenceOptions().parse({ vault: entry })
      return (await readReference(reference, reach)).reveal()
    }
    const ours = { certificate: "own.pem", key: "own.key" }
    expect(await read({ ca: "ca.pem", ...ours })).toBe(value)
    expect((await errorOf(read({ ca: "other.pem", ...ours }))).code).toBe("tls-unverified")
    expect((await errorOf(read({ ca: "ca.pem", name: "other", ...ours }))).code).toBe(
      "tls-unverified",
    )
  })
})

describe("what a config may say", () => {
  const entry = {
    server: { address: "https://vault.internal:8200", auth: { token: { env: "T" } } },
    path: "shop/db",
    field: "password",
  }
  const problems = (vault: object): readonly string[] =>
    ReferenceOptions()
      .safeParse({ vault })
      .error?.issues.flatMap((issue) =>
        "errors" in issue ? issue.errors.flat().map(({ message }) => message) : [issue.message],
      ) ?? []

  test("an entry has one name, however its address is written", () => {
    const named = (address: string): string =>
      placeOf(
        ReferenceOptions().parse({ vault: { ...entry, server: { ...entry.server, address } } }),
        "/",
      )
    expect(named("HTTPS://Vault.internal:443/")).toBe(named("https://vault.internal"))
    expect(named("https://vault.internal")).toBe(
      "the field password of vault:https://vault.internal:443/secret/shop/db",
    )
  })

  test.each([
    ["http:// off this machine", { server: { ...entry.server, address: "http://vault:8200" } }],
    ["a login in the address", { server: { ...entry.server, address: "https://a:b@vault" } }],
    [
      "two ways to log in",
      { server: { ...entry.server, auth: { token: { env: "T" }, cert: {} } } },
    ],
    ["no way to log in", { server: { ...entry.server, auth: {} } }],
    ["a certificate without files", { server: { ...entry.server, auth: { cert: {} } } }],
    ["a token as text", { server: { ...entry.server, auth: { token: "s.hunter2" } } }],
    ["a token from Vault", { server: { ...entry.server, auth: { token: { vault: entry } } } }],
    ["a path that climbs", { path: "shop/../other" }],
    ["a path with an empty part", { path: "shop//db" }],
    ["a key of nobody", { filed: "password" }],
  ])("refuses %s", (_, change) => {
    const found = problems({ ...entry, ...change })
    expect(found.length).toBeGreaterThan(0)
    expect(found.join()).not.toContain("hunter2")
  })
})
