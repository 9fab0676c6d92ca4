import { describe, expect, test } from "bun:test"
import { parse } from "yaml"
import { exampleParts } from "../../src/config/example-parts.ts"
import {
  deploymentKeys,
  environmentKeys,
  healthKeys,
  secretKeys,
  topKeys,
} from "../../src/config/keys.ts"
import { parseConfig } from "../../src/config/parse.ts"
import { configSchema } from "../../src/config/json-schema.ts"
import { reference, sharing } from "../../src/config/shared-schemas.ts"
import { ConfigProblems, formatProblems } from "../../src/config/problems.ts"
import { parseSchedule } from "../../src/plan/schedule.ts"
import { drivers } from "../../src/plugins/drivers/index.ts"
import { healths } from "../../src/plugins/healths/index.ts"
import { outputs } from "../../src/plugins/outputs/index.ts"
import { restarters } from "../../src/plugins/restarters/index.ts"
import { schemaFaults } from "../support/json-schema.ts"

/** What config/ shows to people, with the plug-ins as they are. */

const plugins = { drivers, outputs, restarters, healths }
const folder = new URL("../../config/", import.meta.url)

/** The problems of a text as people see them; "" where there are none. */
function told(text: string): string {
  try {
    parseConfig(text, "/etc/mycelium.yaml", plugins, { env: () => undefined, parseSchedule })
    return ""
  } catch (error) {
    if (error instanceof ConfigProblems) return formatProblems(error.problems)
    throw error
  }
}

describe("config/example.yaml", () => {
  test("is accepted", async () => {
    expect(told(await Bun.file(new URL("example.yaml", folder)).text())).toBe("")
  })

  test.each([
    ["driver", drivers],
    ["output", outputs],
    ["restarter", restarters],
    ["health check", healths],
  ] as const)("shows every %s, each as `mycelium help` cuts it out", async (kind, all) => {
    const text = await Bun.file(new URL("example.yaml", folder)).text()
    for (const { type } of all) {
      const parts = exampleParts(text, kind, type)
      expect(parts.length > 0 ? type : `${type} is not in config/example.yaml`).toBe(type)
      for (const part of parts) expect(typeof parse(part)).toBe("object")
    }
  })

  test("shows every key of the config, in a line or in a comment", async () => {
    const text = await Bun.file(new URL("example.yaml", folder)).text()
    const keys = { ...topKeys, ...environmentKeys, ...secretKeys, ...deploymentKeys, ...healthKeys }
    for (const key of Object.keys(keys))
      expect(new RegExp(`(^|[ {#])${key}:`, "m").test(text) ? key : `${key} is not shown`).toBe(key)
  })

  test("shows a role, a role of its own, and a pair", async () => {
    const text = await Bun.file(new URL("example.yaml", folder)).text()
    const roles = exampleParts(text, "driver", "postgres").map(
      (part) => Object.values(parse(part) as Readonly<Record<string, object>>)[0] ?? {},
    )
    expect(roles.some((one) => "role" in one && "admin" in one)).toBe(true)
    expect(roles.some((one) => "role" in one && !("admin" in one))).toBe(true)
    expect(roles.some((one) => "roles" in one)).toBe(true)
  })
})

const smallest = `
project: shop
schedule: "0 3 * * SUN"
environments:
  production:
    rotate_every: 90d
    secrets:
      postgres: { address: "postgresql://127.0.0.1:5432/shop", role: shop }
    outputs:
      - dotenv: .env
        for: compose
        merge: true
        variables: { POSTGRES_PASSWORD: "{{ postgres.password }}" }
    deployments:
      api: { compose: api, healthy: { http: "http://127.0.0.1:8080/healthz" } }
`

describe("the smallest useful config", () => {
  test("is accepted", () => {
    expect(told(smallest)).toBe("")
  })

  test("tells what is wrong with the templates of an output whose other options are wrong", () => {
    const wrong = smallest
      .replace("merge: true", "mode: 0600\n        merg: true")
      .replace("{{ postgres.password }}", "{{ postgress.password }}")
    expect(
      told(wrong)
        .split("\n")
        .filter((line) => line.startsWith("/etc"))
        .map((line) => line.split(" ")[0]),
    ).toEqual(["/etc/mycelium.yaml:12:15", "/etc/mycelium.yaml:13:9", "/etc/mycelium.yaml:14:41"])
  })

  test("tells what is wrong in the words of the plug-ins", () => {
    const wrong = smallest
      .replace("compose: api", "compose: { servce: api }")
      .replace("127.0.0.1:5432", "hunter2@127.0.0.1:5432")
      .replace("merge: true", "mode: 0600")
    expect(told(wrong)).not.toContain("hunter2")
    expect(
      told(wrong)
        .split("\n")
        .filter((line) => line.startsWith("/etc"))
        .map((line) => line.split(": ")[0]),
    ).toEqual([
      "/etc/mycelium.yaml:8:28  environments.production.secrets.postgres.address",
      "/etc/mycelium.yaml:12:15  environments.production.outputs[0].mode",
      "/etc/mycelium.yaml:15:25  environments.production.deployments.api.compose",
    ])
  })
})

test("config/schema.json is what scripts/schema.ts writes", async () => {
  const written: unknown = await Bun.file(new URL("schema.json", folder)).json()
  expect(written).toEqual(JSON.parse(JSON.stringify(configSchema(plugins))))
})

describe("config/schema.json", () => {
  type Part = Record<string, unknown>
  const schema = configSchema(plugins)
  const example = async (): Promise<Part> =>
    parse(await Bun.file(new URL("example.yaml", folder)).text()) as Part

  test("accepts config/example.yaml", async () => {
    expect(schemaFaults(schema, await example())).toEqual([])
  })

  test("refuses a wrong key wherever it stands: each object of the example is closed, or names its keys", async () => {
    const config = await example()
    const objects = [...objectsIn(config)]
    expect(objects.length).toBeGreaterThan(50)
    for (const { path, object } of objects) {
      object["No such key"] = {}
      const faults = schemaFaults(schema, config)
      delete object["No such key"]
      // Its keys are names of the user's own.
      if (/\/(variables|env$|credentials$|files$|headers$)/.test(path)) continue
      expect(faults.length > 0 ? path : `${path} takes any key`).toBe(path)
    }
  })

  test("says no part twice", () => {
    expect(sharing(schema)).toEqual(schema)
    expect(sharing({ type: "array", items: [long, long] })).toEqual({
      type: "array",
      items: [reference("items"), reference("items")],
      definitions: { items: long },
    })
  })

  const long = {
    type: "string",
    description: "so long that it is worth a name of its own".repeat(3),
  }

  function* objectsIn(value: unknown, path = ""): Generator<{ path: string; object: Part }> {
    if (typeof value !== "object" || value === null) return
    if (!Array.isArray(value)) yield { path, object: value as Part }
    for (const [key, one] of Object.entries(value)) yield* objectsIn(one, `${path}/${key}`)
  }
})

/** The first YAML block of each page that shows a whole config. */
test.each(["README.md", "src/manual/first-rotation.md"])(
  "the config that %s begins with is accepted, and is the smallest one",
  async (page) => {
    const text = await Bun.file(new URL(`../../${page}`, import.meta.url)).text()
    const [, config = ""] = /```yaml\n(project:[\s\S]*?)```/.exec(text) ?? []
    expect(told(config)).toBe("")
    expect(parse(config)).toEqual(parse(smallest))
  },
)

/** Parts of a config in the manual: put into the smallest one, they are accepted. */
test.each(["drivers", "restarts"])(
  "each part of a config in the page %s is accepted",
  async (page) => {
    const text = await Bun.file(new URL(`../../src/manual/${page}.md`, import.meta.url)).text()
    const parts = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, part = ""]) => part)
    expect(parts.length).toBeGreaterThan(0)
    for (const part of parts) expect(told(withPart(part))).toBe("")
  },
)

test("a previous user that one role does not have is named, with what has one", () => {
  const part = `secrets:
  postgres: { address: "postgresql://127.0.0.1:5432/shop", role: shop }
outputs:
  - template: userlist.txt
    text: "{{ postgres.previous.user }}"
`
  expect(told(withPart(part))).toContain(
    "shows `previous.user`, which `postgres` does not have\n  " +
      "hint: fields: user, password; `previous.user` and `previous.password` need `roles` in " +
      "place of `role`\n",
  )
})

function withPart(part: string): string {
  const { environments, ...top } = parse(smallest) as {
    readonly environments: { readonly production: object }
  }
  const pair = {
    address: "postgresql://127.0.0.1:5432/shop",
    roles: ["shop_blue", "shop_green"],
    owner: "shop_owner",
    admin: { user: "rotator", password: { file: "/run/secrets/rotator" } },
  }
  const secrets = part.includes("previous") ? { secrets: { postgres: pair } } : {}
  const outputs = { outputs: [{ dotenv: ".env", variables: { NAME: "{{ NAME.password }}" } }] }
  const [first] = Object.keys((parse(part) as { readonly secrets?: object }).secrets ?? {})
  const named =
    first === undefined ? {} : JSON.parse(JSON.stringify(outputs).replace("NAME.", `${first}.`))
  const production = { ...environments.production, ...secrets, ...named, ...parse(part) }
  return JSON.stringify({ ...top, environments: { production } })
}
