import { describe, expect, test } from "bun:test"
import { chmod, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { binary } from "../support/mycelium.ts"
import { temporaryFolder } from "../support/temp-folder.ts"

async function project(config = ": generated, temporal: generated"): Promise<
  {
    readonly folder: string
    readonly run: (
      args: readonly string[],
      stdin?: string,
    ) => Promise<{ readonly code: number; readonly out: string; readonly talk: string }>
  } & AsyncDisposable
> {
  const temporary = await temporaryFolder()
  const folder = temporary.path
  await chmod(folder, 0o700)
  await writeFile(
    join(folder, "mycelium.yaml"),
    "project: shop\nstore: ./store\nenvironments:\n  production: { rotate_every: 90d, secrets: { session" +
      config +
      " } }\n",
    { mode: 0o600 },
  )
  const run = async (
    args: readonly string[],
    stdin = "",
  ): Promise<{ code: number; out: string; talk: string }> => {
    const child = Bun.spawn([binary, ...args], {
      cwd: folder,
      env: {
        PATH: process.env["PATH"] ?? "",
        XDG_CONFIG_HOME: join(folder, "config"),
        HOME: folder,
      },
      stdin: Buffer.from(stdin),
      stdout: "pipe",
      stderr: "pipe",
    })
    const [out, talk] = await Promise.all([child.stdout.text(), child.stderr.text()])
    return { code: await child.exited, out, talk }
  }
  await run(["init"])
  return { folder, run, [Symbol.asyncDispose]: () => temporary[Symbol.asyncDispose]() }
}

test("adopt --from takes the file of the Python Mycelium, and marks what is easily guessed as due at the next scheduled time", async () => {
  await using shop = await project()
  const strong = Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString("base64url")
  await writeFile(
    join(shop.folder, "shop.json"),
    JSON.stringify({
      project_name: "shop",
      session_password: strong,
      temporal_admin_password: "changeme",
      redis_password: null,
    }),
    { mode: 0o600 },
  )
  const adopted = await shop.run([
    "adopt",
    "production",
    "--from",
    "shop.json",
    "--rotated-at",
    "1d",
  ])
  expect(adopted.out).toContain("production/session: adopted as v1")
  expect(adopted.out).toContain(
    "production/temporal: adopted as v1: no service asks for it; " +
      `it was made on ${new Date(Date.now() - 86_400_000).toISOString().slice(0, 10)} and it is ` +
      "easily guessed, so it is due at the next scheduled time",
  )
  expect(adopted.code).toBe(0)
  expect(adopted.out + adopted.talk).not.toContain(strong)
  const status = JSON.parse((await shop.run(["status", "--json"])).out) as {
    readonly environments: readonly {
      readonly secrets: readonly { readonly name: string; readonly dueAt: string }[]
    }[]
  }
  const due = Object.fromEntries(
    (status.environments[0]?.secrets ?? []).map(({ name, dueAt }) => [
      name,
      (Date.parse(dueAt) - Date.now()) / 86_400_000,
    ]),
  )
  expect(due["temporal"]).toBeLessThanOrEqual(1)
  expect(due["session"]).toBeGreaterThan(80)
  expect((await shop.run(["rotate-now", "production/temporal"])).code).toBe(0)
  expect((await shop.run(["status"])).out).not.toContain("easily guessed")
})

test("adopt --from - reads stdin, and says what is wrong with it without quoting it", async () => {
  await using shop = await project()
  for (const [stdin, message] of [
    ["{hunter2", "holds no JSON"],
    ['["hunter2"]', "holds no JSON object"],
    ['{"other":"hunter2"}', "a value of none of the secrets"],
    ['{"session":7}', "is no text"],
  ] as const) {
    const { code, talk, out } = await shop.run(["adopt", "production", "--from", "-"], stdin)
    expect(talk).toContain(message)
    expect(talk + out).not.toContain("hunter2")
    expect(code).toBe(1)
  }
  expect((await shop.run(["adopt", "production", "--ask"])).code).toBe(2)
})

type Status = {
  readonly environments: readonly {
    readonly secrets: readonly {
      readonly name: string
      readonly ageMs?: number
      readonly ageAtLeastMs?: number
      readonly dueAt?: string
      readonly notes: readonly string[]
    }[]
  }[]
}
const dayMs = 86_400_000

function value(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString("base64url")
}

describe("the age of what was adopted", () => {
  async function adopted(
    shop: Awaited<ReturnType<typeof project>>,
    ...args: readonly string[]
  ): Promise<string> {
    const { code, out } = await shop.run(
      ["adopt", "production", "--from", "-", ...args],
      JSON.stringify({ session: value(), temporal: value() }),
    )
    expect(code).toBe(0)
    return out
  }
  async function statusOf(
    shop: Awaited<ReturnType<typeof project>>,
    name: string,
  ): Promise<Status["environments"][number]["secrets"][number]> {
    const { environments } = JSON.parse((await shop.run(["status", "--json"])).out) as Status
    const found = environments[0]?.secrets.find((one) => one.name === name)
    if (found === undefined) throw new Error(`no ${name}`)
    return found
  }

  test("is unknown, and it is due at the next scheduled time, until a rotation or a date ends that", async () => {
    await using shop = await project()
    const out = await adopted(shop)
    expect(out).toContain(
      "production/session: adopted as v1: no service asks for it; its age is unknown, " +
        "so it is due at the next scheduled time",
    )
    const session = await statusOf(shop, "session")
    expect(session.ageMs).toBeUndefined()
    expect(session.ageAtLeastMs).toBeGreaterThanOrEqual(0)
    expect(Date.parse(session.dueAt ?? "") - Date.now()).toBeLessThanOrEqual(dayMs)
    expect((await shop.run(["status"])).out).toMatch(
      /session +generated +v1 +≥ .* adopted, its age is unknown/,
    )
    expect((await shop.run(["plan"])).out).toContain("the age is unknown: session, temporal")
    expect((await shop.run(["check"])).out).toContain("age-unknown")
    // Not because of a start: only at its tick.
    expect((await shop.run(["run", "--once"])).out).not.toContain("rotated")
    expect((await statusOf(shop, "session")).ageAtLeastMs).toBeDefined()
    expect((await shop.run(["rotate-now", "production/session"])).code).toBe(0)
    const rotated = await statusOf(shop, "session")
    expect(rotated.ageMs).toBeGreaterThanOrEqual(0)
    expect(rotated.ageAtLeastMs).toBeUndefined()
    expect(rotated.notes).toEqual([])
    expect((await statusOf(shop, "temporal")).ageAtLeastMs).toBeDefined()
  })

  test("is what --rotated-at says, at once or later, and no date that cannot be", async () => {
    await using shop = await project()
    for (const wrong of ["2126-01-01", "1989-12-31", "yesterday"])
      expect(
        (
          await shop.run(
            ["adopt", "production", "--from", "-", "--rotated-at", wrong],
            JSON.stringify({ session: value() }),
          )
        ).code,
      ).toBe(2)
    const values = { session: value(), temporal: value() }
    const again = (...args: readonly string[]): ReturnType<typeof shop.run> =>
      shop.run(["adopt", "production", "--from", "-", ...args], JSON.stringify(values))
    expect((await again()).code).toBe(0)
    const made = new Date(Date.now() - 30 * dayMs).toISOString().slice(0, 10)
    expect((await again("--rotated-at", made)).out).toContain(
      `production/session: known already, v1; it was made on ${made}`,
    )
    const session = await statusOf(shop, "session")
    expect(session.ageMs).toBeGreaterThan(29 * dayMs)
    expect(Date.parse(session.dueAt ?? "") - Date.now()).toBeGreaterThan(50 * dayMs)
    // A slip can be set right; what mycelium made itself has the date that it has.
    expect((await again("--rotated-at", "10d")).code).toBe(0)
    expect((await statusOf(shop, "session")).ageMs).toBeLessThan(11 * dayMs)
    expect((await shop.run(["audit", "--json"])).out).toContain('"dated"')
  })

  test("is what the config says of it, and of one that never rotates nothing is due", async () => {
    await using shop = await project(
      ': { driver: generated, rotated_at: "2020-02-01" }, temporal: { driver: ' +
        "generated, rotate_every: never }",
    )
    const out = await adopted(shop)
    expect(out).toContain(
      "production/session: adopted as v1: no service asks for it; it was made on 2020-02-01",
    )
    expect(out).toContain(
      "production/temporal: adopted as v1: no service asks for it; its age is unknown, " +
        "and it is never rotated by itself",
    )
    expect((await statusOf(shop, "session")).ageMs).toBeGreaterThan(5 * 365 * dayMs)
    expect((await statusOf(shop, "temporal")).dueAt).toBeUndefined()
    expect((await shop.run(["plan"])).out).not.toContain("rotate temporal")
  })

  test("a date in the config that is still to come is refused when it would count, and one before 1990 at once", async () => {
    await using shop = await project(
      ': { driver: generated, rotated_at: "2126-02-01" }, temporal: generated',
    )
    const { out, code } = await shop.run(
      ["adopt", "production", "--from", "-"],
      JSON.stringify({ session: value(), temporal: value() }),
    )
    expect(out).toContain(
      "production/session: not adopted: its rotated_at in the config lies in the future (adopt-date)",
    )
    expect(code).toBe(5)
    await using old = await project(
      ': { driver: generated, rotated_at: "1970-01-01" }, temporal: generated',
    )
    expect((await old.run(["status"])).code).toBe(3)
  })
})

test("adopt takes over no value that would add lines to another program's file", async () => {
  await using shop = await project(": generated")
  const config = {
    project: "shop",
    store: "./store",
    environments: {
      production: {
        rotate_every: "90d",
        secrets: { session: "generated" },
        outputs: [
          { dotenv: ".env", for: "compose", variables: { SESSION: "{{ session.password }}" } },
          { template: "app.conf", text: "listen 127.0.0.1\nsession {{ session.password }}\n" },
        ],
      },
    },
  }
  await writeFile(join(shop.folder, "mycelium.yaml"), JSON.stringify(config), { mode: 0o600 })
  const env = join(shop.folder, ".env")
  await writeFile(env, 'SESSION="aB3dE5fG7hI9jK1l\\nlisten 0.0.0.0"\n', { mode: 0o600 })
  const refused = await shop.run(["adopt", "production"])
  expect(refused.out + refused.talk).toContain("value-breaks-out")
  expect(refused.code).toBe(1)
  expect(await Bun.file(join(shop.folder, "app.conf")).exists()).toBe(false)
  await writeFile(env, "SESSION=aB3dE5fG7hI9jK1l\n", { mode: 0o600 })
  expect((await shop.run(["adopt", "production"])).code).toBe(0)
  expect((await shop.run(["render", "production"])).code).toBe(0)
  expect(await Bun.file(join(shop.folder, "app.conf")).text()).toContain("session aB3dE5fG7hI9jK1l")
})
