import { describe, expect, test } from "bun:test"
import { environment, load, secret, told } from "./fake-plugins.ts"

const two = (first: string, second: string): string => `project: shop
rotate_every: 90d
environments:
  a: { secrets: ${first} }
  b: { secrets: ${second} }
`

describe("logins", () => {
  test("belong to one secret, across environments", () => {
    expect(
      told(
        two(
          "{ db: { driver: postgres, address: x, role: app } }",
          "{ db: { driver: postgres, address: x, role: app } }",
        ),
      ),
    ).toBe(
      "5:19  environments.b.secrets.db: has the same login as environments.a.secrets.db\n  " +
        "hint: give each its own role or user: a login belongs to one secret\n",
    )
  })

  test("belong to one secret, within an environment", () => {
    expect(
      told(
        environment(
          "secrets: { postgres: { address: x, role: app }, db: { driver: postgres, address: x, role: app } }",
        ),
      ),
    ).toContain("has the same login as environments.production.secrets.postgres")
  })

  test("may be alike where the service is another, and where nothing is shared", () => {
    load(
      two(
        "{ db: { driver: postgres, address: x, role: app }, k: generated }",
        "{ db: { driver: postgres, address: y, role: app }, k: generated }",
      ),
    )
  })
})

describe("outputs", () => {
  const out = (file: string): string => `{ dotenv: ${file}, variables: {} }`
  const outputs = (...files: string[]): string =>
    environment(`secrets: { k: generated }\noutputs: [${files.map(out).join(", ")}]`)

  test("write a file once, however it is spelt", () => {
    expect(told(outputs("a/.env", "a/../a/.env"))).toContain(
      "environments.production.outputs[1].dotenv: " +
        "writes the same file as environments.production.outputs[0]\n",
    )
  })

  test("write a file once, across environments", () => {
    const text =
      "project: s\n" +
      "rotate_every: 9d\n" +
      "environments:\n  " +
      "a: { secrets: { k: generated }, outputs: [{ dotenv: .env, variables: {} }] }\n  " +
      "b: { secrets: { k: generated }, outputs: [{ dotenv: .env, variables: {} }] }\n"
    expect(told(text)).toBe(
      "5:55  environments.b.outputs[0].dotenv: " +
        "writes the same file as environments.a.outputs[0]\n  " +
        "hint: let one output show both\n",
    )
  })

  test("neither replace the config nor write into the store", () => {
    expect(told(outputs("mycelium.yaml"))).toContain("would replace this config")
    expect(told(`${outputs("/var/lib/my/x")}store: /var/lib/my\n`)).toContain(
      "writes into the store, which only Mycelium may write",
    )
    load(`${outputs("/var/lib/my2/x")}store: /var/lib/my\n`)
  })

  const shows = (
    text: string,
    secrets = "{ postgres: { address: x, role: app }, key: generated }",
  ): string =>
    environment(
      `secrets: ${secrets}\n` +
        "outputs:\n  " +
        "- dotenv: .env\n    " +
        "variables:\n      " +
        `GOOD: "{{ postgres.user }}"\n      ` +
        `A: "${text}"`,
    )

  test("show secrets that exist", () => {
    expect(told(shows("x{{ postgrs.password }}"))).toBe(
      "10:14  environments.production.outputs[0].variables.A: " +
        "shows a secret that this environment does not have; did you mean `postgres`?\n  " +
        "hint: secrets: postgres, key\n",
    )
  })

  test("show fields that exist", () => {
    expect(told(shows("{{ key.user }}"))).toBe(
      "10:14  environments.production.outputs[0].variables.A: shows `user`, " +
        "which `key` does not have\n  " +
        "hint: fields: password\n",
    )
    expect(told(shows("{{ postgres.pasword | url_encode }}"))).toContain(
      "hint: fields: user, password\n",
    )
  })

  test("are not blamed for a secret that is wrong itself", () => {
    expect(
      told(shows("{{ key.password }}", "{ postgres: { address: 3, role: app }, key: generated }")),
    ).toBe(
      "5:37  environments.production.secrets.postgres.address: expected a string: put it in quotes\n",
    )
    expect(
      told(shows("{{ key.user }}", "{ postgres: { address: x, role: app }, key: oracle }")),
    ).not.toContain("field")
  })
})

describe("reads", () => {
  const reads = (file: string): string =>
    environment(
      "secrets: { k: generated }\n" +
        "outputs: [{ dotenv: .env, variables: {} }]\n" +
        `deployments: { api: { compose: api, reads: [.env, ${file}] } }`,
    )

  test("names outputs, relative or absolute", () => {
    expect(load(reads("/etc/shop/.env")).environments["production"]?.deployments[0]?.reads).toEqual(
      ["/etc/shop/.env", "/etc/shop/.env"],
    )
  })

  test("does not name a file that no output writes", () => {
    expect(told(reads(".evn"))).toBe(
      "7:55  environments.production.deployments.api.reads[1]: is the file of no output of " +
        "this environment\n  " +
        "hint: relative paths begin in /etc/shop\n",
    )
  })

  test("is not judged while an output is wrong", () => {
    expect(told(reads(".evn").replace("variables", "variable"))).not.toContain(
      "is the file of no output",
    )
  })
})

describe("grace", () => {
  const graceOf = (options: string): number | undefined =>
    load(secret(options)).environments["production"]?.secrets["db"]?.graceMs

  test("is ten minutes where two values live, none elsewhere", () => {
    expect(graceOf("{ driver: postgres, address: x, roles: [a, b] }")).toBe(600_000)
    expect(graceOf("{ driver: exec, command: [a] }")).toBe(600_000)
    expect(graceOf("{ driver: postgres, address: x, role: a }")).toBe(0)
    expect(graceOf("generated")).toBe(0)
  })

  test("may be none", () => {
    expect(graceOf("{ driver: postgres, address: x, roles: [a, b], grace: 0s }")).toBe(0)
  })

  test("is refused where one value lives", () => {
    expect(told(secret("{ driver: postgres, address: x, role: a, grace: 10m }"))).toBe(
      "6:52  environments.production.secrets.db.grace: the service holds one value at a time, " +
        "so there is no grace\n  " +
        "hint: remove `grace`\n",
    )
    expect(told(secret("{ driver: generated, grace: 0s }"))).toContain(
      "no service holds this value, so there is no grace",
    )
  })

  test("of an environment holds where it can, and is silent elsewhere", () => {
    const config = load(
      environment(
        "grace: 1h\nsecrets: { p: { driver: postgres, address: x, roles: [a, b] }, k: generated }",
      ),
    )
    expect(
      Object.values(config.environments["production"]?.secrets ?? {}).map(({ graceMs }) => graceMs),
    ).toEqual([3_600_000, 0])
  })
})

describe("ages and schedules", () => {
  test("an age is said somewhere", () => {
    expect(
      told(
        environment(
          "secrets: { a: generated, b: { driver: generated, rotate_every: never } }",
        ).replace("    rotate_every: 90d\n", ""),
      ),
    ).toBe(
      "3:3  environments.production: nothing says how old its secrets may get: " +
        "`rotate_every` is missing\n  " +
        "hint: write rotate_every: 90d here, at the top or at each secret; " +
        "never keeps a value for good\n",
    )
    load(
      environment("secrets: { b: { driver: generated, rotate_every: never } }").replace(
        "    rotate_every: 90d\n",
        "",
      ),
    )
  })

  test("a wrong age is told once, however many inherit it", () => {
    expect(told(environment("secrets: { a: generated, b: generated }").replace("90d", "30s"))).toBe(
      "4:19  environments.production.rotate_every: `rotate_every` must be at least a minute\n",
    )
  })

  test("a schedule that is none", () => {
    expect(told(environment('schedule: "at noon"\nsecrets: { a: generated }'))).toStartWith(
      "5:15  environments.production.schedule: ",
    )
    expect(
      told(`${two("{ a: generated }", "{ a: generated }")}schedule: x\n`).match(/schedule: /g),
    ).toHaveLength(1)
  })

  test("a time zone that is none", () => {
    expect(told(environment("timezone: Europe/Atlantis\nsecrets: { a: generated }"))).toBe(
      "5:15  environments.production.timezone: no such time zone\n  " +
        "hint: a name of the IANA list, such as Europe/Berlin or UTC\n",
    )
  })

  const every = (age: string, schedule: string): string =>
    environment(
      `schedule: "${schedule}"\ntimezone: Europe/Berlin\nsecrets: { a: generated }`,
    ).replace("90d", age)

  test("a schedule that leaves no chance in time", () => {
    expect(told(every("6d", "0 3 * * SUN"))).toBe(
      "4:19  environments.production.rotate_every: its schedule does not fire once in each " +
        "`rotate_every`\n  " +
        "hint: let a `schedule` fire more often, or allow a greater age\n",
    )
    expect(told(every("30d", "0 3 31 * *"))).toContain("does not fire")
    expect(told(environment("secrets: { a: generated }").replace("90d", "12h"))).toContain(
      "the default schedule, 0 3 * * *, does not fire once",
    )
  })

  test("days of 25 hours are the plan's to care for", () => {
    load(every("1d", "0 3 * * *"))
    load(every("7d", "0 3 * * SUN"))
  })
})
