import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { ActivityScope } from "../../../src/base/activity-scope.ts"
import { realHost } from "../../../src/base/system/host.ts"
import type { ReferenceReach } from "../../../src/core/define.ts"
import { crc32c } from "../../../src/plugins/google/crc32c.ts"
import {
  inspectReference,
  placeOf,
  readReference,
  ReferenceOptions,
} from "../../../src/plugins/references/index.ts"
import { errorOf } from "../../support/error-of.ts"
import { StrictGoogle } from "../../support/servers/strict-google.ts"
import { temporaryFolder, type TemporaryFolder } from "../../support/temp-folder.ts"
import { withVariables } from "../../support/with-variables.ts"

/** Logged in by the metadata server; the other ways to log in: test/cli/google-secret.test.ts. */

type Reference = Parameters<typeof readReference>[0]

describe("a reference to a secret of Google Secret Manager", () => {
  let google: StrictGoogle
  let folder: TemporaryFolder
  let variables: Disposable
  let pauses: number[]
  beforeAll(async () => {
    google = await StrictGoogle.start()
    folder = await temporaryFolder()
    variables = withVariables({
      HOME: folder.path,
      GCE_METADATA_HOST: google.address.replace("http://", ""),
      METADATA_SERVER_DETECTION: "assume-present",
      GOOGLE_APPLICATION_CREDENTIALS: undefined,
      GOOGLE_CLOUD_QUOTA_PROJECT: undefined,
      HTTP_PROXY: undefined,
      http_proxy: undefined,
      HTTPS_PROXY: undefined,
      https_proxy: undefined,
    })
  })
  beforeEach(() => {
    pauses = []
    google.asked.length = 0
  })
  afterAll(async () => {
    variables[Symbol.dispose]()
    await google[Symbol.asyncDispose]()
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
      google_secret: {
        project: "shop-prod",
        secret,
        google: { endpoint: google.address, listener: "any", ...options },
        ...more,
      },
    }) as Reference
  const read = async (secret: string, more: object = {}, at = reach): Promise<string> =>
    (await readReference(named(secret, more), at)).reveal()
  const accesses = (): readonly string[] =>
    google.asked.map(({ url }) => url).filter((url) => url.startsWith("/v1/"))
  /** What is said of it, and that no value and no token is in it. */
  async function said(secret: string, more: object = {}, options: object = {}): Promise<string> {
    const error = await errorOf(readReference(named(secret, more, options), reach))
    const text = `${error.code}: ${error.message}. ${error.hint}`
    for (const versions of google.secrets.values())
      for (const { data } of versions) expect(text.includes(data.toString())).toBe(false)
    expect(text).not.toContain("ya29.")
    return text
  }

  test("reads one field, the whole text, a version or a region's secret, anew each time", async () => {
    const value = crypto.randomUUID()
    google.write("shop-prod/fields", JSON.stringify({ password: value, port: 5432 }))
    google.write("shop-prod/plain", `${value}\n`)
    google.write("shop-prod/europe-west3/plain", "value-of-the-region")
    expect(await read("fields", { field: "password" })).toBe(value)
    expect(await read("plain")).toBe(value)
    google.write("shop-prod/plain", "second-value")
    expect(await read("plain")).toBe("second-value")
    expect(await read("plain", { version: 1 })).toBe(value)
    expect(await read("plain", { location: "europe-west3" })).toBe("value-of-the-region")
    const base = "/v1/projects/shop-prod"
    expect(accesses()).toEqual([
      `${base}/secrets/fields/versions/latest:access`,
      `${base}/secrets/plain/versions/latest:access`,
      `${base}/secrets/plain/versions/latest:access`,
      `${base}/secrets/plain/versions/1:access`,
      `${base}/locations/europe-west3/secrets/plain/versions/latest:access`,
    ])
  })

  test("over TLS Google proves its name first", async () => {
    google.write("shop-prod/over-tls", "value-over-tls")
    const ca = join(folder.path, "ca.pem")
    await Bun.write(ca, google.authority.certificate)
    const endpoint = { endpoint: google.tlsAddress, listener: undefined }
    const trusted = named("over-tls", {}, { ...endpoint, tls: { ca } })
    expect((await readReference(trusted, reach)).reveal()).toBe("value-over-tls")
    google.asked.length = 0
    expect(await said("over-tls", {}, endpoint)).toStartWith("tls-unverified: ")
    expect(accesses()).toEqual([])
  })

  test("the checksum of the value is checked", async () => {
    expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283)
    google.write("shop-prod/spoilt", "value-that-is-spoilt")
    google.spoils = true
    expect(await said("spoilt")).toStartWith("google-checksum-differs: ")
    google.spoils = false
    const name = "projects/1/secrets/spoilt/versions/1"
    const data = Buffer.from("unproven-value").toString("base64")
    google.first.push({ status: 200, body: { name, payload: { data } } })
    expect(await said("spoilt")).toStartWith("google-checksum-differs: ")
  })

  test("one login serves all that a turn reads, and is made anew where it has ended", async () => {
    google.write("shop-prod/turn", "value-of-turn")
    const activity = new ActivityScope()
    const leave = activity.join()
    const at = { ...reach, activity }
    const logins = (): number => google.asked.filter(({ url }) => url.includes("/token")).length
    await read("turn", {}, at)
    await read("turn", {}, at)
    expect(logins()).toBe(1)
    google.logins.endAll()
    expect(await read("turn", {}, at)).toBe("value-of-turn")
    expect(logins()).toBe(2)
    await leave()
  })

  test("what is not there, is disabled, destroyed or no text is one sentence with a hint", async () => {
    google.write("shop-prod/off", "value-once-enabled")
    const [, second] = google.write("shop-prod/off", "value-two")
    if (second !== undefined) second.state = "DISABLED"
    expect(await said("off")).toMatch(
      /^google-version-disabled: google:shop-prod:off as the machine's service account: the version is disabled\. gcloud secrets versions enable /,
    )
    if (second !== undefined) second.state = "DESTROYED"
    expect(await said("off")).toStartWith("google-version-destroyed: ")
    expect(await said("absent")).toBe(
      "reference-missing: there is no secret google:shop-prod:absent with a version latest. it holds a " +
        "credential that the config asks for: correct project, location, secret and version, or write it there",
    )
    expect(await said("off", { version: 9 })).toStartWith("reference-missing: ")
    google.write("shop-prod/bytes", Buffer.of(0xff, 0xfe, 0xfd))
    expect((await errorOf(read("bytes"))).code).toBe("reference-not-text")
    expect(await said("off", { version: 1, field: "password" })).toStartWith("reference-not-text: ")
  })

  test("a right that is missing names the role, other reasons what they need", async () => {
    google.write("shop-prod/rights", "value-of-rights")
    google.accessors.delete(google.logins.machine)
    expect(await said("rights")).toContain(
      "give the identity roles/secretmanager.secretAccessor at projects/shop-prod/secrets/rights",
    )
    google.accessors.add(google.logins.machine)
    for (const [reason, code] of [
      ["SERVICE_DISABLED", "google-api-disabled"],
      ["ACCESS_TOKEN_SCOPE_INSUFFICIENT", "google-scope-missing"],
      ["SECURITY_POLICY_VIOLATED", "google-perimeter"],
      ["CONSUMER_INVALID", "not-permitted"],
    ] as const) {
      google.forbids = reason
      expect(await said("rights")).toStartWith(`${code}: `)
    }
    google.forbids = undefined
  })

  test("requests are counted to the quota project, if it may be used", async () => {
    google.write("shop-prod/quota", "value-of-quota")
    using _ = withVariables({ GOOGLE_CLOUD_QUOTA_PROJECT: "shop-billing" })
    expect(await said("quota")).toStartWith("google-quota-project-denied: ")
    google.payers.add("shop-billing")
    expect(await read("quota")).toBe("value-of-quota")
    expect(google.asked.at(-1)?.headers["x-goog-user-project"]).toBe("shop-billing")
  })

  test.each([429, 503])(
    "an answer %i is waited for as it asks, else longer each time",
    async (status) => {
      google.write("shop-prod/busy", "value-of-busy")
      const busy = { status, body: { error: { code: status, status: "UNAVAILABLE", message: "" } } }
      google.first.push({ ...busy, headers: { "retry-after": "3" } }, busy, busy)
      expect(await read("busy")).toBe("value-of-busy")
      expect(pauses).toEqual([3000, 1000, 2000])
      pauses = []
      google.first.push({ ...busy, headers: { "retry-after": "60" } })
      expect(await said("busy")).toStartWith(
        status === 429 ? "google-throttled: " : "server-not-ready: ",
      )
      google.first.push(busy, busy, busy, busy)
      expect((await errorOf(read("busy"))).remedy).toBe("retry")
      expect(pauses).toEqual([500, 1000, 2000])
    },
  )

  test("no redirect is followed, and no answer of others is taken", async () => {
    google.write("shop-prod/moved", "value-of-moved")
    google.first.push({
      status: 307,
      body: {},
      headers: { location: `${google.address}/elsewhere` },
    })
    expect(await said("moved")).toStartWith("answer-malformed: ")
    expect(accesses()).toHaveLength(1)
    expect(google.asked.map(({ url }) => url)).not.toContain("/elsewhere")
    const payload = { data: "", dataCrc32c: "0" }
    for (const name of [
      "projects/1/secrets/other/versions/1",
      "projects/1/locations/europe-west3/secrets/moved/versions/1",
    ]) {
      google.first.push({ status: 200, body: { name, payload } })
      expect(await said("moved")).toStartWith("google-secret-differs: ")
    }
    google.first.push({
      status: 200,
      body: { name: "projects/1/secrets/moved/versions/1", payload },
    })
    expect(await said("moved")).toStartWith("reference-empty: ")
    google.first.push({ status: 404, body: "<html>no such page</html>" })
    expect(await said("moved")).toStartWith("answer-malformed: ")
    google.first.push({ status: 400, body: { error: { status: "INVALID_ARGUMENT", message: "" } } })
    expect(await said("moved")).toMatch(/^google-request-refused: .*INVALID_ARGUMENT/)
  })

  test("a clock that is off is said, by how much", async () => {
    google.write("shop-prod/clock", "value-of-clock")
    const refused = { status: 401, body: { error: { status: "UNAUTHENTICATED", message: "" } } }
    const date = new Date(Date.now() - 20 * 60_000).toUTCString()
    google.first.push({ ...refused, headers: { date } }, { ...refused, headers: { date } })
    expect(await said("clock")).toMatch(/^google-clock-skewed: .* by 20 minutes\. /)
    google.first.push(refused, refused)
    expect(await said("clock")).toStartWith("google-login-refused: ")
  })

  test("no login is said, with what to try", async () => {
    const file = join(folder.path, "no-such-file.json")
    using _ = withVariables({ GOOGLE_APPLICATION_CREDENTIALS: file })
    expect(await said("login")).toStartWith("google-credentials-missing: ")
    await Bun.write(file, "{ not json")
    expect(await said("login")).toStartWith("google-credentials-missing: ")
  })

  test("check names the account, and a question that is called off ends at once", async () => {
    google.write("shop-prod/who", "value-of-who")
    const asked = inspectReference(named("who"), reach, new AbortController().signal)
    expect(await asked).toEqual({
      account: `service account ${google.logins.machine} (of this machine)`,
      findings: [],
    })
    const called = new AbortController()
    called.abort(new Error("called off"))
    const ended = inspectReference(named("who"), reach, called.signal) ?? Promise.resolve()
    expect(ended).rejects.toThrow("called off")
    await ended.catch(() => undefined)
  })

  test("has a name that says project, region and version, for people", () => {
    const place = (more: object): string =>
      placeOf(
        { google_secret: { project: "shop-prod", secret: "rotator", ...more } } as Reference,
        "/",
      )
    expect(place({ field: "password" })).toBe("the field password of google:shop-prod:rotator")
    expect(place({ location: "europe-west3", version: 7 })).toBe(
      "the secret google:shop-prod:europe-west3:rotator, version 7",
    )
  })

  test.each<[string, object]>([
    ["a project is named by its id", { project: "Shop" }],
    ["a project is named by its id", { project: "shop/prod" }],
    ["letters, digits, hyphens and underscores", { secret: "a/b" }],
    ["a version is a number, latest or an alias", { version: "0" }],
    ["a version is a number, latest or an alias", { version: "../1" }],
    ["a region reads europe-west3", { location: "evil.test/" }],
    ["say who listens there", { google: { endpoint: "http://127.0.0.1:1" } }],
    [
      "off this machine it begins with https://",
      { google: { endpoint: "http://g.test", listener: "any" } },
    ],
  ])("is a config error: %s, %j", (message, more) => {
    const parsed = ReferenceOptions().safeParse({
      google_secret: { project: "shop-prod", secret: "rotator", ...more },
    })
    expect(JSON.stringify(parsed.error?.issues)).toContain(message)
  })
})
