import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { AzureCli } from "../support/azure-cli.ts"
import { type ManagedShop, openManagedShop, refer } from "../support/managed-admin.ts"
import type { Ran } from "../support/mycelium.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { StrictAzure } from "../support/servers/strict-azure.ts"

/** The password of PostgreSQL's admin lies in a vault of Azure: the binary, by each way to log in there. */

describe("an admin's password in Azure Key Vault", () => {
  let azure: StrictAzure
  let postgres: PostgresServer
  let managed: ManagedShop
  let ways: Readonly<Record<string, Readonly<Record<string, string>>>>
  beforeAll(async () => {
    azure = await StrictAzure.start()
    postgres = await startPostgres()
    managed = await openManagedShop(postgres, (password) => {
      azure.write("rotator", JSON.stringify({ user: "rotator", password }))
      return reference()
    })
    const { project } = managed.shop
    project.write("ca.pem", azure.authority.certificate)
    project.write("own.pem", `${azure.certificate.certificate}\n${azure.certificate.key}`)
    project.write("federated.token", azure.federatedToken())
    const cli = new AzureCli(project.path("bin"), azure)
    const application = {
      AZURE_TENANT_ID: azure.tenant,
      AZURE_CLIENT_ID: azure.client,
      AZURE_AUTHORITY_HOST: azure.tlsAddress,
      NODE_EXTRA_CA_CERTS: project.path("ca.pem"),
    }
    ways = {
      "client secret": { ...application, AZURE_CLIENT_SECRET: azure.clientSecret },
      certificate: { ...application, AZURE_CLIENT_CERTIFICATE_PATH: project.path("own.pem") },
      "workload identity": {
        ...application,
        AZURE_FEDERATED_TOKEN_FILE: project.path("federated.token"),
      },
      "machine's identity": {
        AZURE_POD_IDENTITY_AUTHORITY_HOST: azure.address,
        // Nothing listens there.
        HTTPS_PROXY: "http://127.0.0.1:9",
        HTTP_PROXY: "http://127.0.0.1:9",
        NO_PROXY: "127.0.0.1",
      },
      "App Service's identity": {
        IDENTITY_ENDPOINT: `${azure.address}/msi/token`,
        IDENTITY_HEADER: azure.identityHeader,
      },
      "Azure CLI": {
        PATH: `${cli.folder}:/usr/bin:/bin`,
        AZURE_TOKEN_CREDENTIALS: "AzureCliCredential",
      },
    }
    const env = ways["client secret"]
    for (const args of [["init"], ["adopt", "production"]])
      expect((await run(args, env)).code).toBe(0)
  })
  afterAll(async () => {
    await managed.shop[Symbol.asyncDispose]()
    await azure[Symbol.asyncDispose]()
    await postgres[Symbol.asyncDispose]()
  })

  const reference = (more: object = {}): object => ({
    azure_secret: {
      vault: azure.vaultName,
      secret: "rotator",
      field: "password",
      azure: { endpoint: azure.address, listener: "any", ...more },
    },
  })
  const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> =>
    managed.shop.project.mycelium(args, { env })
  const place = (): string =>
    `the field password of azure:${azure.vaultName}.vault.azure.net:rotator`
  const who = (name: string): string =>
    ({
      "machine's identity": `managed identity ${azure.machineClient} (object ${azure.machineObject})`,
      "App Service's identity": `managed identity ${azure.machineClient} (object ${azure.machineObject})`,
      "Azure CLI": "ada@shop.test",
    })[name] ?? `application ${azure.client} (object ${azure.object})`

  test.each([
    "client secret",
    "certificate",
    "workload identity",
    "machine's identity",
    "App Service's identity",
    "Azure CLI",
  ])("check --connect logs in by %s, and says as whom", async (way) => {
    const ran = await run(["check", "--connect"], ways[way])
    expect(ran.stdout).toContain(
      `ok    credentials: ${place()} as ${who(way)}, tenant ${azure.tenant}`,
    )
    expect(ran.stdout).toContain("accepts the current value and refuses a wrong one")
  })

  test("plain check asks nobody", async () => {
    azure.asked.length = 0
    const ran = await run(["check"], ways["client secret"])
    expect(ran.stdout).not.toContain("credentials:")
    expect(azure.asked).toEqual([])
  })

  test.each(["client secret", "certificate", "workload identity", "Azure CLI"])(
    "rotates and runs a program, and shows no value: %s",
    async (way) => {
      azure.asked.length = 0
      const before = managed.shop.shown
      // The library's own log is for its users; what is secret is not in it either.
      const env = { ...ways[way], AZURE_LOG_LEVEL: "verbose" }
      const rotated = await run(["rotate-now", "production"], env)
      expect(`${rotated.code} ${rotated.stdout}`).toStartWith("0 ")
      expect(managed.shop.shown).not.toBe(before)
      expect(await managed.shop.login(managed.shop.shown)).toBe("in")
      const program = ["sh", "-c", "tr '\\0' '\\n' < /proc/$PPID/cmdline"]
      const ran = await run(["exec", "production", "--", ...program], env)
      expect(ran.code).toBe(0)
      const said = [rotated.stdout, rotated.stderr, ran.stdout, ran.stderr].join("\n")
      expectNoSecret(said)
      for (const { url } of azure.asked) expect(url).not.toMatch(/eyJ/)
      expect(JSON.stringify(azure.asked)).not.toContain(managed.password)
      for (const text of Object.values(managed.shop.project.snapshot()))
        expect(text.includes(managed.password)).toBe(false)
    },
    60_000,
  )

  function expectNoSecret(text: string): void {
    for (const secret of [managed.password, azure.clientSecret])
      expect(text.includes(secret)).toBe(false)
    expect(text).not.toMatch(/eyJ[\w-]+\.eyJ/)
  }

  test("a login that is refused is one sentence with Microsoft's number, and nothing changes", async () => {
    const shown = managed.shop.shown
    const wrong: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
      ["AADSTS7000215", { AZURE_CLIENT_SECRET: "wrong" }, "azure-login-refused"],
      ["AADSTS700016", { AZURE_CLIENT_ID: crypto.randomUUID() }, "azure-login-refused"],
      ["no usable credentials", { AZURE_CLIENT_SECRET: "" }, "azure-credentials-missing"],
      ["no usable answer", { NODE_EXTRA_CA_CERTS: "" }, "azure-login-unanswered"],
    ]
    for (const [words, change, code] of wrong) {
      const env = {
        ...ways["client secret"],
        AZURE_TOKEN_CREDENTIALS: "EnvironmentCredential",
        ...change,
      }
      const ran = await run(["rotate-now", "production"], env)
      expect([words, ran.code]).toEqual([words, 1])
      expect(ran.stdout + ran.stderr).toContain(words)
      expect(ran.stdout + ran.stderr).toContain(code)
      expectNoSecret(ran.stdout + ran.stderr)
    }
    managed.shop.project.write(
      "federated.token",
      azure.federatedToken({ sub: "system:serviceaccount:shop:other" }),
    )
    const ran = await run(["check", "--connect"], ways["workload identity"])
    expect(ran.stdout).toContain("AADSTS700213")
    expect(ran.stdout).not.toContain("eyJ")
    managed.shop.project.write("federated.token", azure.federatedToken())
    expect(managed.shop.shown).toBe(shown)
  }, 60_000)

  test("a login goes through HTTPS_PROXY, and the request to the vault does not", async () => {
    const env = { ...ways["client secret"], HTTPS_PROXY: azure.address }
    const ran = await run(["check", "--connect"], env)
    expect(ran.stdout).toContain("ok    credentials")
    expect(new Set(azure.tunnelled)).toEqual(new Set([new URL(azure.tlsAddress).host]))
  })

  test("a named tenant and client are asked for", async () => {
    refer(managed.shop, reference({ client: azure.machineClient }))
    azure.asked.length = 0
    await run(["check", "--connect"], ways["machine's identity"])
    expect(azure.asked.map(({ url }) => url)).toContainEqual(
      expect.stringContaining(`client_id=${azure.machineClient}`),
    )
    refer(managed.shop, reference({ tenant: azure.tenant }))
    for (const way of ["client secret", "workload identity", "Azure CLI"])
      expect((await run(["check", "--connect"], ways[way])).stdout).toContain("ok    credentials")
    refer(managed.shop, reference())
  })
})
