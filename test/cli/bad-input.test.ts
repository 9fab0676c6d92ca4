import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { chmodSync, renameSync, symlinkSync } from "node:fs"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { stateOf } from "../support/sealed.ts"
import { type Shop, configOf, openShop } from "../support/shop.ts"
import { bun, source } from "../support/running.ts"
import { expectRefused } from "./refused.ts"

let server: PostgresServer
let shop: Shop
beforeAll(async () => {
  server = await startPostgres()
  shop = await openShop(server, { admin: true, two: true })
  await shop.adopt()
  const { code, stderr } = await shop.run("rotate-now", "production")
  if (code !== 0) throw new Error(stderr)
}, 30_000)
afterAll(async () => {
  await shop[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const rotate = ["rotate-now", "production"]

describe("a config that is wrong", () => {
  const withConfig = async (text: string, act: () => Promise<unknown>): Promise<void> => {
    const good = shop.project.read("mycelium.yaml")
    shop.project.configure(text)
    try {
      await act()
    } finally {
      shop.project.configure(good)
    }
  }
  const place = (line: number, column: number): string =>
    `${shop.project.path("mycelium.yaml")}:${line}:${column}`

  test("is told all five of its mistakes, each with its line and what was expected", async () => {
    const text = [
      "project: shop",
      "environments:",
      "  production:",
      "    rotate_evry: 90d",
      "    secrets:",
      `      postgres: { address: "postgresql://127.0.0.1:${server.port}/postgres", ` +
        "role: app, admin: { user: boss, password: hunter2-in-clear } }",
      "      session_key: { driver: generated, length: 3 }",
      "    outputs:",
      "      - dotenv: .env",
      "        mode: 0600",
      '        variables: { POSTGRES_PASSWORD: "{{ postgres.password }}" }',
      "    deployments:",
      "      api: { command: ./restart }",
    ].join("\n")
    await withConfig(text, async () => {
      const { stderr } = await expectRefused(shop, rotate, {
        code: 3,
        message: [
          `${place(4, 5)}  environments.production: unknown key \`rotate_evry\`; ` +
            `did you mean \`rotate_every\`?`,
          "admin.password: a credential comes by reference, never as text",
          `${place(7, 49)}  environments.production.secrets.session_key.length: 16 characters at least`,
          `${place(10, 15)}  environments.production.outputs[0].mode: modes are strings: write "0600"`,
          `${place(13, 23)}  environments.production.deployments.api.command: expected a list`,
          "the config has 5 problems; nothing was done",
        ],
      })
      expect(stderr).toContain(`${shop.project.path("mycelium.yaml")}:6:`)
      expect(stderr).not.toContain("hunter2")
    })
  })

  test("is refused where a key stands twice", async () => {
    await withConfig("project: shop\nproject: other\nenvironments: {}\n", () =>
      expectRefused(shop, rotate, {
        code: 3,
        message: `${place(2, 1)}  project: this key is given twice`,
        hint: "remove one of the two",
      }),
    )
  })

  test("is refused where a template has no quotes", async () => {
    const text = [
      "project: shop",
      "environments:",
      "  production:",
      "    rotate_every: 90d",
      "    secrets: { key: generated }",
      "    outputs:",
      "      - dotenv: other.env",
      "        variables:",
      "          KEY: {{ key.password }}",
    ].join("\n")
    await withConfig(text, () =>
      expectRefused(shop, rotate, {
        code: 3,
        message: `${place(9, 16)}  templates must be quoted`,
      }),
    )
  })

  test("is refused where everybody can write it", async () => {
    chmodSync(shop.project.path("mycelium.yaml"), 0o666)
    await expectRefused(shop, rotate, {
      code: 3,
      message: "can be written by every user",
      hint: "a config names programs that Mycelium runs",
    })
    chmodSync(shop.project.path("mycelium.yaml"), 0o600)
  })

  test("is refused where it is missing", async () => {
    await expectRefused(shop, ["status", "--config", "/nonexistent.yaml"], {
      code: 3,
      message: "--config names /nonexistent.yaml, which does not exist",
      hint: "make one with mycelium init",
    })
  })
})

describe("words that are not known", () => {
  test.each([
    [["rotate-mow"], 'there is no command "rotate-mow"', "did you mean rotate-now?"],
    [[...rotate, "--forse"], "unknown option --forse", "options: --all"],
    [
      [...rotate, "--dryrun"],
      "unknown option --dryrun (did you mean --dry-run?)",
      "options: --all",
    ],
    [[...rotate, "--wait"], "--wait needs a value", "options: --all"],
    [[...rotate, "--dry-run=yes"], "--dry-run takes no value", "options: --all"],
    [[...rotate, "--wait", "soon"], "--wait takes a duration such as 15m", undefined],
    [
      ["rotate-now", "prodution"],
      'there is no environment "prodution" in the config',
      "it has: production",
    ],
    [
      ["rotate-now", "production/postgre"],
      'there is no secret "postgre" in production',
      "it has: postgres, session_key",
    ],
    [["rotate-now"], "name what to rotate", "one or more of: production"],
    [["adopt", "staging"], "there is no environment staging in the config", "it has: production"],
    [["adopt"], "name one environment", "one of: production"],
  ] as const)("%p", async (args, message, hint) => {
    await expectRefused(shop, args, { code: 2, message, ...(hint === undefined ? {} : { hint }) })
  })

  test("without a word, says what there is, on stderr, and ends with 2", async () => {
    const { stdout, stderr } = await expectRefused(shop, [], {
      code: 2,
      message: ["every day\n", "rotate-now [ENV[/SECRET]…]"],
    })
    expect(stdout).toBe("")
    expect(stderr).toMatch(/exit codes\s+0 +done/)
  })

  test.each([
    "BUN_OPTIONS",
    "BUN_INSPECT_PRELOAD",
    "JSC_dumpOptions",
    "NODE_TLS_REJECT_UNAUTHORIZED",
  ])("the variable %s, which would change how the program runs", async (name) => {
    await expectRefused(shop, rotate, {
      code: 2,
      message: `the variable ${name} is set`,
      hint: `unset ${name}`,
      how: { env: { [name]: "0" } },
    })
  })
})

describe("surroundings that are wrong", () => {
  test("the admin's password file is missing", async () => {
    const { project } = shop
    renameSync(project.path("admin.password"), project.path("elsewhere"))
    await expectRefused(shop, ["rotate-now", "production/postgres"], {
      code: 1,
      message: [
        "production/postgres: left as it was",
        `there is no file ${project.path("admin.password")}`,
      ],
      hint: "it holds a credential that the config asks for",
    })
    renameSync(project.path("elsewhere"), project.path("admin.password"))
  })

  test("the identity is missing, or can be read by others", async () => {
    const { identityFile } = shop.project
    chmodSync(identityFile, 0o644)
    await expectRefused(shop, rotate, {
      code: 1,
      message: `${identityFile} can be read by others`,
      hint: `chmod 600 ${identityFile}`,
    })
    chmodSync(identityFile, 0o600)
    renameSync(identityFile, `${identityFile}.away`)
    await expectRefused(shop, rotate, {
      code: 7,
      message: `there is no identity at ${identityFile}`,
      hint: "put back the identity that it was sealed to, from your offline backup",
    })
    await expectRefused(shop, ["init"], {
      code: 7,
      message: "a new one cannot open it",
      hint: "put back the identity",
    })
    renameSync(`${identityFile}.away`, identityFile)
  })

  test("the server lets everybody in without a password", async () => {
    await server.setHba("host all all 127.0.0.1/32 trust")
    await expectRefused(shop, ["rotate-now", "production/postgres"], {
      code: 1,
      message: [
        "production/postgres: left as it was: the service accepts a random wrong value",
        "(accepts-anything)",
      ],
      hint: "make it ask for passwords",
    })
    await server.setHba("host all all 127.0.0.1/32 scram-sha-256")
  })

  test("another person has changed the password", async () => {
    const now = shop.shown
    await shop.setPassword("Somebody-elses.1")
    await expectRefused(shop, ["rotate-now", "production/postgres"], {
      code: 7,
      message: "the service refuses the current value (current-refused)",
      hint: "mycelium reconcile production finds out",
      mayChange: /home\/state/,
    })
    // That its service refuses it is noted for status, and nothing else; a rotation that finds it
    // set back goes on.
    expect((await stateOf(shop.project))?.secrets["postgres"]?.drift).toMatchObject({
      code: "current-refused",
    })
    await shop.setPassword(now)
    expect((await shop.run("adopt", "production")).code).toBe(0)
  })

  test(".env is a symbolic link", async () => {
    const { project } = shop
    renameSync(project.path(".env"), project.path("real.env"))
    symlinkSync("real.env", project.path(".env"))
    await expectRefused(shop, ["rotate-now", "production/postgres"], {
      code: 1,
      message: `${project.path(".env")} is a symbolic link (file-is-link)`,
      hint: "name the file that it points to",
    })
    await expectRefused(shop, ["adopt", "production"], {
      code: 1,
      message: `${project.path(".env")} is a symbolic link`,
    })
    // The other secret is shown by another file: it does not wait for this one.
    const both = await shop.run(...rotate)
    expect(both.stdout).toContain("production/session_key: rotated")
    expect(both.code).toBe(5)
    renameSync(project.path("real.env"), project.path(".env"))
  })

  test(".env shows a value that is in no version: it may be the only copy", async () => {
    const { project } = shop
    const good = project.read(".env")
    project.write(
      ".env",
      good.replace(/^POSTGRES_PASSWORD=.*$/m, "POSTGRES_PASSWORD=Written-by-a-person.1"),
    )
    project.write("api.loaded", project.read(".env"))
    await expectRefused(shop, ["rotate-now", "production/postgres"], {
      code: 1,
      message: `${project.path(".env")}: POSTGRES_PASSWORD is not overwritten, for it may be the only copy`,
      hint: "if it is this secret's, mycelium adopt takes it over",
    })
    await expectRefused(shop, ["render", "production"], {
      code: 1,
      message: "POSTGRES_PASSWORD is not overwritten",
    })
    project.write(".env", good)
    project.write("api.loaded", good)
  })

  test("another process holds the lock, and is named", async () => {
    await using _ = await holdLock(
      `${shop.project.stateFolder}/production.lock`,
      "mycelium run, process 4711, since noon",
    )
    for (const args of [rotate, ["adopt", "production"], ["render", "production"]]) {
      await expectRefused(shop, args, {
        code: 6,
        message: "production is being worked on by mycelium run, process 4711, since noon",
        hint: "wait until it is done",
      })
    }
    expect((await shop.run("status")).code).toBe(0)
  })

  test("afterwards a rotation still works", async () => {
    const { code, stdout } = await shop.run(...rotate)
    expect(stdout).toContain("production/postgres: rotated")
    expect(code).toBe(0)
    expect(await shop.login(shop.shown)).toBe("in")
    expect(configOf(shop).project).toBe("shop")
  })
})

/**
 * In a process of its own: a process that holds the lock file and reads it drops the lock
 * (POSIX record locks).
 */
async function holdLock(path: string, holder: string): Promise<AsyncDisposable> {
  const program = `import { takeLock } from ${JSON.stringify(`${source}base/files/lock.ts`)}
    const lock = await takeLock(${JSON.stringify(path)}, ${JSON.stringify(holder)})
    console.log("release" in lock ? "held" : lock.heldBy)
    await Bun.stdin.text()
    lock.release?.()`
  const child = Bun.spawn([bun, "-e", program], { stdio: ["pipe", "pipe", "inherit"] })
  const { value } = await child.stdout.getReader().read()
  if (new TextDecoder().decode(value).trim() !== "held") throw new Error("the lock is not free")
  return {
    [Symbol.asyncDispose]: async () => {
      await child.stdin.end()
      await child.exited
    },
  }
}
