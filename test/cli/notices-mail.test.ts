import { describe, expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { layOut } from "../support/mycelium.ts"
import { type SmtpOptions, startSmtp, whyNoSmtp } from "../support/servers/smtp.ts"

/** Notices by mail: the built binary, a real server over SMTP. */

const why = await whyNoSmtp()
if (why !== undefined) console.warn(`no server of mail to test with: ${why}`)

type MailShop = SmtpOptions & { readonly mail?: object; readonly trusted?: boolean }

async function openShop({ mail = {}, trusted = true, ...options }: MailShop) {
  const server = await startSmtp(options)
  const project = await layOut()
  project.write("smtp-password", server.password)
  project.write("ca.pem", server.authority.certificate)
  const login =
    options.user === undefined ? {} : { user: options.user, password: { file: "smtp-password" } }
  project.configure({
    project: "shop",
    notify: [
      {
        mail: server.address,
        from: "mycelium@shop.test",
        to: "oncall@shop.test",
        ...login,
        ...(trusted && options.kind !== "plain" ? { ca: "ca.pem" } : {}),
        ...mail,
      },
    ],
    environments: {
      production: {
        schedule: "* * * * *",
        rotate_every: "1m",
        secrets: { key: "generated" },
        outputs: [{ dotenv: ".env", variables: { KEY: "{{ key.password }}" } }],
        deployments: {
          api: { command: ["./restart-api"], healthy: { command: ["./health"], within: "1s" } },
        },
      },
    },
  })
  project.script("restart-api", "[ ! -e sick ] || exit 1")
  project.script("health", "exit 0")
  return {
    server,
    project,
    async [Symbol.asyncDispose]() {
      await project[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

const user = "mycelium"
const isTaken = [0, "notify[0], a mail: taken\n"]
const notTaken = (words: string) => [1, `notify[0], a mail: NOT taken: ${words} (notice-failed)\n`]

describe.skipIf(why !== undefined)("a mail", () => {
  test("tells what began once, and what is over once, as one thread", async () => {
    await using shop = await openShop({ kind: "starttls", user })
    const { project, server } = shop
    for (const args of [["init"], ["rotate-now", "production", "--new"]])
      expect((await project.mycelium(args)).code).toBe(0)
    project.write("sick", "")
    await project.mycelium(["rotate-now", "production"])
    await project.mycelium(["run", "--once"])
    rmSync(project.path("sick"))
    await project.mycelium(["rotate-now", "production"])
    await project.mycelium(["run", "--once"])
    const [began, over, ...more] = server.taken
    expect(more).toEqual([])
    for (const mail of [began, over])
      expect(mail).toMatchObject({
        from: "mycelium@shop.test",
        to: ["oncall@shop.test"],
        tls: true,
        login: user,
      })
    expect(began?.text).toContain("Subject: mycelium: shop/production: something failed (key)")
    expect(began?.text).toContain("Auto-Submitted: auto-generated")
    expect(over?.text).toContain("Subject: mycelium: shop/production is well again")
    const threads = server.taken.map(({ text }) => /^References: (.*)$/m.exec(text)?.[1])
    expect(new Set(threads).size).toBe(1)
    const ids = server.taken.map(({ text }) => /^Message-ID: (.*)$/m.exec(text)?.[1])
    expect(new Set(ids).size).toBe(2)
  }, 90_000)

  test.each<[string, MailShop]>([
    ["that begins with TLS, with a login", { kind: "tls", user }],
    ["that goes over to TLS, with no login", { kind: "starttls" }],
    ["of this machine in clear text, with no login", { kind: "plain" }],
  ])("is taken by a server %s", async (_, options) => {
    await using shop = await openShop(options)
    const said = await shop.project.mycelium(["notify", "--test"])
    expect([said.code, said.stdout]).toEqual(isTaken)
    expect(shop.server.taken).toMatchObject([{ tls: options.kind !== "plain" }])
  })

  test.each<[string, MailShop, string]>([
    [
      "a certificate that is not trusted",
      { kind: "starttls", user, trusted: false },
      "a certificate that is not trusted",
    ],
    [
      "a certificate of another name",
      { kind: "tls", user, names: ["other.test"] },
      "a certificate that is not trusted",
    ],
    [
      "a login that it would have to send in clear text",
      { kind: "plain", user },
      "it does not go over to TLS (it answered 454)",
    ],
    [
      "a recipient that is not there",
      { kind: "starttls", user, refused: ["oncall@shop.test"] },
      "it refuses the sender or the recipient (it answered 550)",
    ],
    [
      "a login that is wrong",
      { kind: "starttls", user, mail: { user: "another" } },
      "it refuses the login (it answered 535)",
    ],
  ])("is not taken by a server with %s, and says so", async (_, options, words) => {
    await using shop = await openShop(options)
    const said = await shop.project.mycelium(["notify", "--test"])
    expect([said.code, said.stdout, said.stderr]).toEqual([...notTaken(words), ""])
    expect(shop.server.taken).toEqual([])
  })

  test("is not taken by a server that is not there, or hangs", async () => {
    await using shop = await openShop({ kind: "starttls", user })
    shop.server.hang()
    const hung = await shop.project.mycelium(["notify", "--test"])
    expect([hung.code, hung.stdout]).toEqual(notTaken("no answer within 10s"))
    await shop.server[Symbol.asyncDispose]()
    const gone = await shop.project.mycelium(["notify", "--test"])
    expect([gone.code, gone.stdout]).toEqual(notTaken("connection refused"))
  }, 60_000)
})

test.each([
  ["a login in the address", { mail: "smtp://me:secret@mail.test" }, "expected smtps://HOST"],
  ["another protocol", { mail: "https://mail.test" }, "expected smtps://HOST"],
  ["a user without a password", { user }, "a login needs both user and password"],
  ["an address with a line break", { to: "a@b.test\nBcc: c@d.test" }, "expected a mail address"],
  ["two recipients in one", { to: "a@b.test, c@d.test" }, "expected a mail address"],
])("the config refuses %s", async (_, mail, words) => {
  await using project = await layOut()
  project.configure({
    project: "shop",
    notify: [{ mail: "smtps://mail.test", from: "m@shop.test", to: "o@shop.test", ...mail }],
    environments: { production: { rotate_every: "1m", secrets: { key: "generated" } } },
  })
  const said = await project.mycelium(["status"])
  expect(said.code).toBe(3)
  expect(said.stderr).toContain(words)
  expect(said.stderr).not.toContain("secret@")
})
