import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { ActivityScope } from "../../../src/base/activity-scope.ts"
import { realHost } from "../../../src/base/system/host.ts"
import type { ReferenceReach } from "../../../src/core/define.ts"
import {
  inspectReference,
  placeOf,
  readReference,
  ReferenceOptions,
} from "../../../src/plugins/references/index.ts"
import { AzureCli } from "../../support/azure-cli.ts"
import { errorOf } from "../../support/error-of.ts"
import { StrictAzure } from "../../support/servers/strict-azure.ts"
import { temporaryFolder, type TemporaryFolder } from "../../support/temp-folder.ts"
import { withVariables } from "../../support/with-variables.ts"

/** Logged in by the Azure CLI; the other ways to log in: test/cli/azure-secret.test.ts. */

type Reference = Parameters<typeof readReference>[0]

describe("a reference to a secret of Azure Key Vault", () => {
  let azure: StrictAzure
  let cli: AzureCli
  let folder: TemporaryFolder
  let variables: Disposable
  let pauses: number[]
  beforeAll(async () => {
    azure = await StrictAzure.start()
    folder = await temporaryFolder()
    cli = new AzureCli(join(folder.path, "bin"), azure)
    variables = withVariables({
      PATH: `${cli.folder}:${process.env["PATH"]}`,
      AZURE_TOKEN_CREDENTIALS: "AzureCliCredential",
    })
  })
  beforeEach(() => {
    pauses = []
    azure.asked.length = 0
    cli.logIn()
  })
  afterAll(async () => {
    variables[Symbol.dispose]()
    await azure[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  const host: NonNullable<ReferenceReach["host"]> = {
    ...realHost({}),
    pause: (ms) => Promise.resolve(void pauses.push(ms)),
  }
  const reach: ReferenceReach = {
    folder: "/",
    env: () => undefined,
    run: () => Promise.reject(new Error("no program of ours is run")),
    host,
  }
  const named = (secret: string, more: object = {}, options: object = {}): Reference =>
    ReferenceOptions().parse({
      azure_secret: {
        vault: azure.vaultName,
        secret,
        azure: { endpoint: azure.address, listener: "any", ...options },
        ...more,
      },
    }) as Reference
  const read = async (secret: string, field?: string, at = reach): Promise<string> =>
    (await readReference(named(secret, field === undefined ? {} : { field }), at)).reveal()
  const inspect = (secret: string) =>
    inspectReference(named(secret), reach, new AbortController().signal)
  /** What is said of it, and that no value is in it. */
  async function said(secret: string, options: object = {}): Promise<string> {
    const error = await errorOf(readReference(named(secret, {}, options), reach))
    const text = `${error.code}: ${error.message}. ${error.hint}`
    for (const { versions } of azure.secrets.values())
      for (const { value } of versions) expect(text.includes(value)).toBe(false)
    expect(text).not.toMatch(/eyJ/)
    return text
  }

  test("reads one field, or the whole text, anew each time", async () => {
    const value = crypto.randomUUID()
    azure.write("fields", JSON.stringify({ password: value, port: 5432 }))
    azure.write("plain", `${value}\n`)
    expect(await read("fields", "password")).toBe(value)
    expect(await read("plain")).toBe(value)
    azure.write("plain", "another-value")
    expect(await read("plain")).toBe("another-value")
    expect(azure.asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "GET /secrets/fields?api-version=7.4",
      "GET /secrets/plain?api-version=7.4",
      "GET /secrets/plain?api-version=7.4",
    ])
    expect(azure.asked.every(({ body }) => body === "")).toBe(true)
  })

  test("over TLS the vault proves its name first", async () => {
    azure.write("over-tls", "value-over-tls")
    const ca = join(folder.path, "ca.pem")
    await Bun.write(ca, azure.authority.certificate)
    const endpoint = { endpoint: azure.tlsAddress, listener: undefined }
    const trusted = named("over-tls", {}, { ...endpoint, tls: { ca } })
    expect((await readReference(trusted, reach)).reveal()).toBe("value-over-tls")
    azure.asked.length = 0
    expect(await said("over-tls", endpoint)).toStartWith("tls-unverified: ")
    expect(azure.asked).toEqual([])
  })

  test("one login serves all that a turn reads", async () => {
    azure.write("turn", "value-here")
    const activity = new ActivityScope()
    const leave = activity.join()
    await read("turn", undefined, { ...reach, activity })
    cli.logIn("no-token-at-all")
    expect(await read("turn", undefined, { ...reach, activity })).toBe("value-here")
    await leave()
    expect((await errorOf(read("turn", undefined, { ...reach, activity }))).code).toBe(
      "azure-login-refused",
    )
  })

  test("a login that has ended in the middle of a turn is made anew, once", async () => {
    azure.write("ended", "value-here")
    cli.logIn(azure.token({ exp: 1 }))
    const activity = new ActivityScope()
    const leave = activity.join()
    const at = { ...reach, activity }
    expect((await errorOf(read("ended", undefined, at))).code).toBe("azure-login-refused")
    expect(azure.asked).toHaveLength(1)
    cli.logIn()
    expect(await read("ended", undefined, at)).toBe("value-here")
    await leave()
  })

  test("what is not there, is no text of a field, is deleted or disabled is one sentence with a hint", async () => {
    const value = crypto.randomUUID()
    azure.write("text", value)
    azure.write("gone", value).deleted = true
    const { versions } = azure.write("off", value)
    azure.write("off", `${value}2`)
    const [, newest] = versions
    if (newest !== undefined) newest.enabled = false
    expect(await said("absent")).toBe(
      `reference-missing: there is no secret azure:${azure.vaultName}.vault.azure.net:absent. ` +
        "it holds a credential that the config asks for: correct vault and secret, or write it there",
    )
    expect(await said("gone")).toMatch(
      /^azure-secret-deleted: .*:gone: the secret is deleted; it is purged on \d{4}-\d\d-\d\d\. az keyvault secret recover --vault-name kv-\w+ --name gone brings it back/,
    )
    expect(await said("off")).toMatch(/^azure-secret-disabled: .*newest version is disabled\. /)
    const error = await errorOf(read("text", "password"))
    expect([error.code, error.message.includes(value)]).toEqual(["reference-not-text", false])
  })

  test("a secret that has expired is read all the same, and check says so", async () => {
    azure.write("expired", "still-works", 1_700_000_000)
    expect(await read("expired")).toBe("still-works")
    expect(await inspect("expired")).toEqual({
      account: `ada@shop.test, tenant ${azure.tenant}`,
      findings: [expect.objectContaining({ code: "azure-secret-expired", severity: "warning" })],
    })
  })

  test("a right that is missing names the role, or the policy where the vault has those", async () => {
    azure.write("rights", "value-here")
    azure.readers.delete(azure.object)
    expect(await said("rights")).toMatch(
      /^not-permitted: azure:.* as ada@shop\.test, tenant .*: Azure does not permit to read this secret\. give the identity the role Key Vault Secrets User /,
    )
    azure.readers.add(azure.object)
    azure.forbids = "ForbiddenByPolicy"
    expect(await said("rights")).toContain("az keyvault set-policy")
    azure.forbids = "ForbiddenByFirewall"
    expect(await said("rights")).toStartWith("azure-vault-firewall: ")
    azure.forbids = undefined
  })

  test("a vault of another tenant is said, and no login is made where it says", async () => {
    azure.write("tenant", "value-here")
    azure.vaultTenant = "77777777-0000-4000-8000-000000000001"
    expect(await said("tenant")).toMatch(
      /^azure-tenant-differs: .* belongs to the tenant 77777777-0000-4000-8000-000000000001, and the login to another\. if az keyvault show --name kv-/,
    )
    azure.challengeAuthority = "https://login.elsewhere.test"
    expect(await said("tenant")).toStartWith("azure-challenge-foreign: ")
    azure.challengeAuthority = undefined
    azure.challengeResource = "https://graph.microsoft.com"
    expect(await said("tenant")).toStartWith("azure-challenge-foreign: ")
    azure.challengeResource = "https://vault.azure.net"
    azure.vaultTenant = azure.tenant
  })

  test.each([429, 503])(
    "an answer %i is waited for as it asks, else longer each time",
    async (status) => {
      azure.write("busy", "value-here")
      const busy = { status, body: { error: { code: "Throttled", message: "" } } }
      azure.first.push({ ...busy, headers: { "retry-after": "3" } }, busy, busy)
      expect(await read("busy")).toBe("value-here")
      expect(pauses).toEqual([3000, 1000, 2000])
      pauses = []
      azure.first.push({ ...busy, headers: { "retry-after": "60" } })
      expect(await said("busy")).toStartWith(
        status === 429 ? "azure-throttled: " : "server-not-ready: ",
      )
      azure.first.push(busy, busy, busy, busy)
      expect((await errorOf(read("busy"))).remedy).toBe("retry")
      expect(pauses).toEqual([500, 1000, 2000])
    },
  )

  test("no redirect is followed, and no answer of others is taken", async () => {
    azure.write("moved", "value-here")
    const value = crypto.randomUUID()
    azure.first.push({ status: 307, body: {}, headers: { location: `${azure.address}/elsewhere` } })
    expect(await said("moved")).toStartWith("answer-malformed: ")
    expect(azure.asked.map(({ url }) => url)).toEqual(["/secrets/moved?api-version=7.4"])
    azure.first.push({
      status: 200,
      body: { value, id: "https://x.vault.azure.net/secrets/other/1" },
    })
    expect(await said("moved")).toStartWith("azure-secret-differs: ")
    azure.first.push({ status: 200, body: { value } })
    const error = await errorOf(read("moved"))
    expect([error.code, error.message.includes(value)]).toEqual(["answer-malformed", false])
    azure.first.push({ status: 404, body: { error: "no such page" } })
    expect(await said("moved")).toStartWith("answer-malformed: ")
    azure.first.push({ status: 409, body: { error: { code: "Conflict" } } })
    expect(await said("moved")).toStartWith("azure-secret-deleted: ")
    azure.first.push({ status: 400, body: { error: { code: "BadParameter" } } })
    expect(await said("moved")).toStartWith("azure-request-refused: ")
  })

  test("a clock that is off is said, by how much", async () => {
    azure.write("clock", "value-here")
    cli.logIn(azure.token({ exp: 1 }))
    azure.now = () => new Date(Date.now() + 20 * 60_000)
    expect(await said("clock")).toMatch(/^azure-clock-skewed: .* by 20 minutes\. /)
    azure.now = () => new Date()
  })

  test("no login is said, with what to try", async () => {
    using _ = withVariables({ PATH: "/nonexistent" })
    expect(await said("login")).toMatch(/^azure-credentials-missing: .*az login$/)
  })

  test("a question that is called off ends at once", async () => {
    const called = new AbortController()
    called.abort(new Error("called off"))
    const asked = inspectReference(named("plain"), reach, called.signal)
    expect(asked).rejects.toThrow("called off")
    await asked?.catch(() => undefined)
  })

  test("has one name, however the config writes it", () => {
    const id = "azure:shop-prod.vault.azure.net:rotator"
    const place = (vault: string, secret: string, field?: string): string =>
      placeOf({ azure_secret: { vault, secret, ...(field === undefined ? {} : { field }) } }, "/")
    expect(place("shop-prod", "rotator", "password")).toBe(`the field password of ${id}`)
    expect(place("https://Shop-Prod.vault.azure.net/", "Rotator")).toBe(`the secret ${id}`)
    expect(place("https://shop-prod.vault.azure.cn", "rotator")).toBe(
      "the secret azure:shop-prod.vault.azure.cn:rotator",
    )
  })

  test.each<[string, object]>([
    ["a vault's name has 3 to 24", { vault: "a" }],
    ["a vault's name has 3 to 24", { vault: "https://shop.vault.azure.net.evil.test" }],
    ["a vault's name has 3 to 24", { vault: "http://shop-prod.vault.azure.net" }],
    ["a vault's name has 3 to 24", { vault: "https://shop-prod.vault.azure.net/secrets/x" }],
    ["letters, digits and hyphens", { secret: "a/b" }],
    ["a tenant is named by its id", { azure: { tenant: "shop.onmicrosoft.com" } }],
    ["say who listens there", { azure: { endpoint: "http://127.0.0.1:1" } }],
    [
      "off this machine it begins with https://",
      { azure: { endpoint: "http://vault.test", listener: "any" } },
    ],
    ["tls is for an endpoint", { azure: { tls: { ca: "a.pem" } } }],
  ])("is a config error: %s, %j", (message, more) => {
    const parsed = ReferenceOptions().safeParse({
      azure_secret: { vault: "shop-prod", secret: "rotator", ...more },
    })
    expect(JSON.stringify(parsed.error?.issues)).toContain(message)
  })
})
