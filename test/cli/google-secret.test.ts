import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { type ManagedShop, openManagedShop } from "../support/managed-admin.ts"
import type { Ran } from "../support/mycelium.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { StrictGoogle } from "../support/servers/strict-google.ts"

/** The password of PostgreSQL's admin lies in Secret Manager: the binary, by each way to log in there. */

const machine = "the machine's account"

describe("an admin's password in Google Secret Manager", () => {
  let google: StrictGoogle
  let postgres: PostgresServer
  let managed: ManagedShop
  let ways: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Every name of Google's leads to the stand-in. */
  let led: Readonly<Record<string, string>>
  beforeAll(async () => {
    google = await StrictGoogle.start()
    postgres = await startPostgres()
    managed = await openManagedShop(postgres, (password) => {
      google.write("shop-prod/rotator", JSON.stringify({ user: "rotator", password }))
      return {
        google_secret: {
          project: "shop-prod",
          secret: "rotator",
          field: "password",
          google: { endpoint: google.address, listener: "any" },
        },
      }
    })
    const { project } = managed.shop
    const { logins } = google
    project.write("ca.pem", google.authority.certificate)
    project.write("cluster.token", logins.federatedToken())
    const fromFile = { file: project.path("cluster.token") }
    const fromUrl = {
      url: "https://federation.test/token",
      format: { type: "json", subject_token_field_name: "token" },
    }
    led = { HTTPS_PROXY: google.address, NODE_EXTRA_CA_CERTS: project.path("ca.pem") }
    const files: Readonly<Record<string, object>> = {
      "service account": logins.serviceAccountFile,
      user: logins.userFile,
      impersonation: logins.impersonationFile,
      "federation from a file": logins.federationFile(fromFile),
      "federation from an address": logins.federationFile(fromUrl, "target"),
    }
    ways = {
      ...Object.fromEntries(Object.entries(files).map(([way, file]) => [way, named(way, file)])),
      [machine]: {
        GCE_METADATA_HOST: google.address.replace("http://", ""),
        METADATA_SERVER_DETECTION: "assume-present",
        // Nothing listens there.
        HTTPS_PROXY: "http://127.0.0.1:9",
        HTTP_PROXY: "http://127.0.0.1:9",
        NO_PROXY: "127.0.0.1",
      },
    }
    for (const args of [["init"], ["adopt", "production"]])
      expect((await run(args, ways["service account"])).code).toBe(0)
  })
  afterAll(async () => {
    await managed.shop[Symbol.asyncDispose]()
    await google[Symbol.asyncDispose]()
    await postgres[Symbol.asyncDispose]()
  })

  function named(way: string, file: object): Readonly<Record<string, string>> {
    const name = `${way.replaceAll(" ", "-")}.json`
    managed.shop.project.write(name, JSON.stringify(file))
    return { ...led, GOOGLE_APPLICATION_CREDENTIALS: managed.shop.project.path(name) }
  }
  const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> =>
    managed.shop.project.mycelium(args, { env })
  function expectNoSecret(text: string): void {
    const { logins } = google
    for (const secret of [managed.password, logins.client.secret, logins.client.refresh])
      expect(text.includes(secret)).toBe(false)
    expect(text).not.toMatch(/ya29\.|eyJ[\w-]+\.eyJ|PRIVATE KEY/)
  }

  test.each<[string, () => string]>([
    ["service account", () => `service account ${google.logins.email}`],
    ["user", () => google.logins.user],
    ["impersonation", () => `service account ${google.logins.target} (impersonated)`],
    ["federation from a file", () => "a federated login"],
    ["federation from an address", () => `service account ${google.logins.target} (federated)`],
    [machine, () => `service account ${google.logins.machine} (of this machine)`],
  ])("check --connect logs in by %s, and says as whom", async (way, who) => {
    const ran = await run(["check", "--connect"], ways[way])
    expect(ran.stdout).toContain(
      `ok    credentials: the field password of google:shop-prod:rotator as ${who()}`,
    )
    expect(ran.stdout).toContain("accepts the current value and refuses a wrong one")
    expectNoSecret(ran.stdout + ran.stderr)
  })

  test("plain check asks nobody", async () => {
    google.asked.length = 0
    await run(["check"], ways["service account"])
    expect(google.asked).toEqual([])
  })

  test.each(["service account", "impersonation", "federation from a file", machine])(
    "rotates and runs a program, and shows no value: %s",
    async (way) => {
      google.asked.length = 0
      const before = managed.shop.shown
      const rotated = await run(["rotate-now", "production"], ways[way])
      expect(`${rotated.code} ${rotated.stdout}`).toStartWith("0 ")
      expect(managed.shop.shown).not.toBe(before)
      expect(await managed.shop.login(managed.shop.shown)).toBe("in")
      const program = ["sh", "-c", "tr '\\0' '\\n' < /proc/$PPID/cmdline"]
      const ran = await run(["exec", "production", "--", ...program], ways[way])
      expect(ran.code).toBe(0)
      expectNoSecret([rotated.stdout, rotated.stderr, ran.stdout, ran.stderr].join("\n"))
      for (const { url } of google.asked) expectNoSecret(url)
      expect(JSON.stringify(google.asked)).not.toContain(managed.password)
      for (const text of Object.values(managed.shop.project.snapshot()))
        expect(text.includes(managed.password)).toBe(false)
    },
    60_000,
  )

  test("a login that is refused is one sentence with a hint, and nothing changes", async () => {
    const shown = managed.shop.shown
    const { logins } = google
    const { project } = managed.shop
    const said = async (way: string, file: object): Promise<string> => {
      const ran = await run(["rotate-now", "production"], named(way, file))
      expect(ran.code).toBe(1)
      expectNoSecret(ran.stdout + ran.stderr)
      return ran.stdout + ran.stderr
    }
    const stranger = { ...logins.serviceAccountFile, private_key: logins.cluster.privateKey }
    expect(await said("stranger", stranger)).toContain(
      "Google refuses the login (invalid_grant): the key is none of the service account's, or it was deleted (google-login-refused)",
    )
    expect(await said("ended", { ...logins.userFile, refresh_token: "1//ended" })).toContain(
      "the user's login has ended (google-login-refused)",
    )
    logins.creators.clear()
    expect(await said("creators", logins.impersonationFile)).toContain(
      "google-impersonation-denied",
    )
    project.write("other.token", logins.federatedToken({ sub: "system:serviceaccount:shop:other" }))
    const source = { file: project.path("other.token") }
    expect(await said("other", logins.federationFile(source))).toContain(
      "the federated token does not fit the workload identity pool (google-login-refused)",
    )
    logins.now = () => new Date(Date.now() + 20 * 60_000)
    expect(await said("clock", logins.serviceAccountFile)).toContain("google-clock-skewed")
    logins.now = () => new Date()
    const alone = await run(["check", "--connect"], {
      ...ways["service account"],
      NODE_EXTRA_CA_CERTS: "",
    })
    expect(alone.stdout).toContain("google-login-unanswered")
    expect(managed.shop.shown).toBe(shown)
  }, 60_000)
})
