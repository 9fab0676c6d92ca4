import { describe, expect, test } from "bun:test"
import type { AuditConfig } from "../../src/config/audit.ts"
import { mkdir, symlink } from "node:fs/promises"
import { AppError } from "../../src/base/error.ts"
import { loadConfig } from "../../src/config/load.ts"
import { ConfigProblems } from "../../src/config/problems.ts"
import { errorOf } from "../support/error-of.ts"
import { temporaryFolder } from "../support/temp-folder.ts"
import { environment, file, load, plugins, problemsOf, surroundings, told } from "./fake-plugins.ts"

const full = `
project: shop
store: /var/lib/mycelium
schedule: "0 3 * * *"
timezone: Europe/Berlin
recipients: [age1qqq]
identity: { file: /run/secrets/identity }
environments:
  staging: { rotate_every: 7d, secrets: { session_key: generated }, outputs: [{ dotenv: staging/.env, variables: { SESSION_KEY: "{{ session_key.password }}" } }] }
  production:
    schedule: "0 3 * * SUN"
    timezone: UTC
    rotate_every: 90d
    grace: 1h
    secrets:
      postgres: { address: "postgresql://db:5432/shop", roles: [blue, green], admin: { user: rotator, password: { env: ROTATOR } }, rotate_every: 30d, grace: 5m, end_sessions: true }
      pair: { driver: postgres, address: "postgresql://db:5432/other", roles: [a, b] }
      token: { driver: generated, length: 35, tags: [payments], rotate_every: never }
      stripe: { driver: exec, command: [/usr/local/bin/stripe-key] }
    outputs:
      - dotenv: /srv/shop/.env
        for: compose
        variables: { DATABASE_URL: "postgresql://{{ postgres.user }}:{{ postgres.password }}@db/shop" }
      - { dotenv: pair.env, variables: { PAIR: "{{ pair.password }}" } }
    deployments:
      worker: { command: [/usr/local/bin/restart-worker], reads: [pair.env], healthy: { command: [/usr/local/bin/ping], within: 30s }, timeout: 5m }
      api: { compose: { file: /srv/shop/compose.yaml, service: api }, healthy: { http: "http://127.0.0.1:8080/healthz" } }
`

describe("parseConfig()", () => {
  test("reads the project's own keys", () => {
    const { environments, ...rest } = load(full)
    expect(rest).toEqual({
      perServer: 8,
      file,
      folder: "/etc/shop",
      project: "shop",
      store: "/var/lib/mycelium",
      recipients: ["age1qqq"],
      identity: { file: "/run/secrets/identity" },
      audit: { keepMs: 365 * 86_400_000, segmentBytes: 16 * 1024 ** 2 },
      notify: [],
    })
    expect(Object.keys(environments)).toEqual(["staging", "production"])
  })

  test.each<[string, AuditConfig]>([
    [
      "heads: journald",
      { heads: "journald", keepMs: 365 * 86_400_000, segmentBytes: 16 * 1024 ** 2 },
    ],
    [
      "heads: { command: [./send, -v] }, keep: forever, segment: 64KiB",
      { heads: { command: ["./send", "-v"] }, keepMs: null, segmentBytes: 64 * 1024 },
    ],
    ["keep: 400d", { keepMs: 400 * 86_400_000, segmentBytes: 16 * 1024 ** 2 }],
  ])("reads how audit logs are kept: %s", (written, audit) => {
    expect(load(`${full}audit: { ${written} }\n`).audit).toEqual(audit)
  })

  test("gives an environment what the project says, unless it says so itself", () => {
    const { environments } = load(full)
    expect(environments["staging"]).toMatchObject({
      name: "staging",
      project: "shop",
      folder: "/etc/shop",
      schedule: "0 3 * * *",
      timezone: "Europe/Berlin",
    })
    expect(environments["production"]).toMatchObject({ schedule: "0 3 * * SUN", timezone: "UTC" })
  })

  test("reads secrets, with ages and graces of their own or inherited", () => {
    const secrets = load(full).environments["production"]?.secrets
    expect(secrets).toEqual({
      postgres: {
        name: "postgres",
        driver: "postgres",
        rotateEveryMs: 30 * 86_400_000,
        graceMs: 300_000,
        endSessions: true,
        tags: [],
        options: {
          address: "postgresql://db:5432/shop",
          roles: ["blue", "green"],
          admin: { user: "rotator", password: { env: "ROTATOR" } },
        },
      },
      pair: {
        name: "pair",
        driver: "postgres",
        rotateEveryMs: 90 * 86_400_000,
        graceMs: 3_600_000,
        endSessions: false,
        tags: [],
        options: { address: "postgresql://db:5432/other", roles: ["a", "b"] },
      },
      token: {
        name: "token",
        driver: "generated",
        rotateEveryMs: null,
        graceMs: 0,
        endSessions: false,
        tags: ["payments"],
        options: { length: 35 },
      },
      stripe: {
        name: "stripe",
        driver: "exec",
        rotateEveryMs: 90 * 86_400_000,
        graceMs: 3_600_000,
        endSessions: false,
        tags: [],
        options: { command: ["/usr/local/bin/stripe-key"] },
      },
    })
  })

  test("reads a secret that is only the name of a driver", () => {
    expect(load(full).environments["staging"]?.secrets["session_key"]).toMatchObject({
      driver: "generated",
      options: {},
    })
  })

  test("reads a secret without a value, whose name is a driver", () => {
    expect(
      load(environment("secrets: { generated: }")).environments["production"]?.secrets["generated"],
    ).toMatchObject({ driver: "generated", options: {} })
  })

  test("reads outputs with the options as written", () => {
    expect(load(full).environments["staging"]?.outputs).toEqual([
      {
        type: "dotenv",
        target: "/etc/shop/staging/.env",
        shows: ["session_key"],
        options: {
          dotenv: "staging/.env",
          variables: { SESSION_KEY: "{{ session_key.password }}" },
        },
      },
    ])
  })

  test("reads deployments in their order; one that does not say what it reads, reads all", () => {
    expect(load(full).environments["production"]?.deployments).toEqual([
      {
        name: "worker",
        reads: ["/etc/shop/pair.env"],
        restarter: { type: "command", options: ["/usr/local/bin/restart-worker"] },
        health: { type: "command", options: ["/usr/local/bin/ping"], withinMs: 30_000 },
        timeoutMs: 300_000,
      },
      {
        name: "api",
        reads: ["/srv/shop/.env", "/etc/shop/pair.env"],
        restarter: { type: "compose", options: { file: "/srv/shop/compose.yaml", service: "api" } },
        health: { type: "http", options: "http://127.0.0.1:8080/healthz", withinMs: 60_000 },
        timeoutMs: 120_000,
      },
    ])
  })

  test("gives what survives JSON, for the journal stores it", () => {
    const config = load(full)
    expect(JSON.parse(JSON.stringify(config))).toEqual(config)
  })

  test("takes aliases, and a byte order mark", () => {
    const config = load(
      `\uFEFF${environment("secrets: { a: &one { driver: generated, length: 40 }, b: *one }")}`,
    )
    expect(config.environments["production"]?.secrets["b"]?.options).toEqual({ length: 40 })
  })

  test("tells five mistakes at once, with their places", () => {
    const text = `project: shop
environments:
  production:
    rotate_evry: 90d
    secrets:
      postgres: { address: "postgresql://db/shop", role: shop, admin: { user: rotator, password: hunter2 } }
      token: { driver: generatd }
    outputs:
      - dotenv: .env
        mode: 0600
        variables: { DB: {{ postgres.password }} }
`
    expect(
      told(text),
    ).toBe(`4:5  environments.production: unknown key \`rotate_evry\`; did you mean \`rotate_every\`?
6:98  environments.production.secrets.postgres.admin.password: a credential comes by reference, never as text: { file: … }, { env: … }, { command: [ … ] }, { vault: { … } }, { aws_secret: { … } }, { aws_parameter: { … } }, { azure_secret: { … } } or { google_secret: { … } }
7:24  environments.production.secrets.token.driver: no such driver: expected one of generated, postgres, exec; did you mean \`generated\`?
10:15  environments.production.outputs[0].mode: modes are strings: "0600", in quotes
11:26  templates must be quoted: "{{ postgres.password }}"
`)
  })

  test("names each problem with its file", () => {
    const [problem] = problemsOf("project: shop\n")
    expect(problem).toEqual({
      file,
      line: 1,
      column: 1,
      path: "environments",
      message: "there are no environments",
      hint: "name at least one under `environments`",
    })
  })
})

describe("loadConfig()", () => {
  const config = environment("secrets: { a: generated }")

  async function inFolder(act: (path: string, folder: string) => Promise<void>): Promise<void> {
    await using folder = await temporaryFolder()
    await act(`${folder.path}/mycelium.yaml`, folder.path)
  }

  test("reads a file, also through a link, and takes the folder of the name", () =>
    inFolder(async (path, folder) => {
      await mkdir(`${folder}/data`)
      await Bun.write(`${folder}/data/real.yaml`, config)
      await symlink("data/real.yaml", path)
      expect(await loadConfig(path, plugins, surroundings)).toMatchObject({
        file: path,
        folder,
        project: "shop",
      })
    }))

  test("says what a missing config needs", () =>
    inFolder(async (path) => {
      const error = await errorOf(loadConfig(path, plugins, surroundings))
      expect([error.code, error.hint]).toEqual(["config-missing", "make one with mycelium init"])
    }))

  test("refuses a folder, a file that is too large, and what is not text", () =>
    inFolder(async (path, folder) => {
      expect((await errorOf(loadConfig(folder, plugins, surroundings))).code).toBe("file-irregular")
      await Bun.write(path, "#".repeat(5 * 1024 * 1024))
      expect((await errorOf(loadConfig(path, plugins, surroundings))).code).toBe("file-too-large")
      await Bun.write(path, new Uint8Array([0x61, 0xff, 0xfe]))
      const error = await errorOf(loadConfig(path, plugins, surroundings))
      expect(error).toBeInstanceOf(ConfigProblems)
      expect(error).toBeInstanceOf(AppError)
      expect(error.message).toBe(`${path}:1:1  the file is not UTF-8 text`)
    }))
})
