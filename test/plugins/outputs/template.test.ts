import { describe, expect, test } from "bun:test"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Output } from "../../../src/core/ports.ts"
import { Secret } from "../../../src/core/secret.ts"
import { template } from "../../../src/plugins/outputs/template.ts"
import { errorOf } from "../../support/error-of.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"
import { type Shows, deliver, fresh, knownOf, never, valuesOf } from "./conformance/harness.ts"

function open(folder: string, text: string): Output {
  return template.open(template.options.parse({ template: "out", text }), {
    folder,
    label: "production",
  })
}
const problems = (options: unknown): string =>
  (template.options.safeParse(options).error?.issues ?? [])
    .map(({ path, message }) => `${path.join(".")}: ${message}`)
    .join("\n")

/** Files of real programs: the template, and what comes out. */
const files: readonly (readonly [what: string, text: string, out: (shows: Shows) => string])[] = [
  [
    "redis.conf",
    "bind 127.0.0.1\nrequirepass {{ db.password }}\nmasterauth {{ db.password }}\n",
    ({ password }) => `bind 127.0.0.1\nrequirepass ${password}\nmasterauth ${password}\n`,
  ],
  [
    "users.acl of Redis",
    "user default off\nuser {{ db.user }} on >{{ db.password }} ~shop:* +@all\n",
    ({ user, password }) => `user default off\nuser ${user} on >${password} ~shop:* +@all\n`,
  ],
  [
    "userlist.txt of PgBouncer",
    '"{{ db.user }}" "{{ db.password }}"\n',
    ({ user, password }) => `"${user}" "${password}"\n`,
  ],
  [
    "application.yml",
    "spring:\n  " +
      "datasource:\n    " +
      "username: {{ db.user | json }}\n    " +
      "password: {{ db.password | json }}\n    " +
      "hikari: { maximum-pool-size: 5 }\n",
    ({ user, password }) =>
      "spring:\n  " +
      "datasource:\n    " +
      `username: "${user}"\n    ` +
      `password: "${password}"\n    ` +
      "hikari: { maximum-pool-size: 5 }\n",
  ],
  [
    ".pgpass",
    "db.internal:5432:*:{{ db.user }}:{{ db.password }}\n",
    ({ user, password }) => `db.internal:5432:*:${user}:${password}\n`,
  ],
  ["a Docker secret", "{{ db.password }}", ({ password }) => password],
  [
    "a systemd credential",
    "{{ db.password | base64_encode }}\n",
    ({ password }) => `${Buffer.from(password).toString("base64")}\n`,
  ],
  [
    "pg_service.conf",
    "[shop]\nhost=db\nuser={{ db.user }}\npassword={{ db.password }}\n",
    ({ user, password }) => `[shop]\nhost=db\nuser=${user}\npassword=${password}\n`,
  ],
  [
    ".my.cnf",
    '[client]\nuser={{ db.user }}\npassword="{{ db.password }}"\n',
    ({ user, password }) => `[client]\nuser=${user}\npassword="${password}"\n`,
  ],
]

describe("template", () => {
  test.each(files)("writes %s, and reads it backwards", async (_, text, out) => {
    await using folder = await temporaryFolder()
    const shows = fresh()
    await deliver(open(folder.path, text), shows)
    expect(readFileSync(join(folder.path, "out"), "utf8")).toBe(out(shows))
    const found = await open(folder.path, text).adopt(["db"])
    expect(found["db"]?.["password"]).toBe(shows.password)
  })

  test("of a new text overwrites the rendering of an old one only where it is known to be its own", async () => {
    await using folder = await temporaryFolder()
    const shows = fresh()
    await deliver(open(folder.path, "a {{ db.password }}\n"), shows)
    const bytes = readFileSync(join(folder.path, "out"))
    const next = open(folder.path, "a {{ db.password }}\nb\n")
    const error = await errorOf(next.prepare(valuesOf(shows), knownOf(shows), never))
    expect({ code: error.code, hint: error.hint }).toEqual({
      code: "output-drift",
      hint:
        "if it is this secret's, mycelium adopt takes it over; or, if no program needs it, " +
        "move the file away and try again",
    })
    const issued = Object.assign(
      (secret: string, which: "recent" | "all") => knownOf(shows)(secret, which),
      { isOurWrite: (_: string, now: Uint8Array) => bytes.equals(now) },
    )
    await (await next.prepare(valuesOf(shows), issued, never)).commit()
    expect(readFileSync(join(folder.path, "out"), "utf8")).toBe(`a ${shows.password}\nb\n`)
  })

  test("that would grow beyond a megabyte is not written", async () => {
    await using folder = await temporaryFolder()
    const text = "{{ db.password }}".repeat(5000)
    expect(
      (
        await errorOf(
          open(folder.path, text).prepare(
            valuesOf({ ...fresh(), password: "x".repeat(300) }),
            knownOf(),
            never,
          ),
        )
      ).code,
    ).toBe("output-too-large")
  })

  test("leaves a line that was added by hand", async () => {
    await using folder = await temporaryFolder()
    const shows = fresh()
    const output = open(folder.path, "requirepass {{ db.password }}\n")
    await deliver(output, shows)
    const edited = `requirepass ${shows.password}\nmasterauth theirs\n`
    writeFileSync(join(folder.path, "out"), edited)
    expect((await errorOf(output.prepare(valuesOf(fresh()), knownOf(shows), never))).code).toBe(
      "output-drift",
    )
    expect(readFileSync(join(folder.path, "out"), "utf8")).toBe(edited)
  })

  test.each([
    [{ template: "a" }, "write the template itself as text:"],
    [{ template: "a", text: "x", from: "y" }, "write the template itself as text:"],
    [{ template: "a", text: 5 }, "text: the text is a template"],
    [{ template: "", text: "x" }, "template: name the file"],
    [{ template: "a", text: "x".repeat(100_001) }, "100000 characters at most"],
    [{ template: "a", text: "x", merge: true }, "merge"],
  ])("refuses options %#", (options, message) => {
    expect(problems(options)).toContain(message)
  })
})

describe("template, a value that would be more than a value there", () => {
  const shown = (password: string) =>
    ({
      db: { version: "v1", fields: { user: "shop", password: new Secret("db", password) } },
    }) as const
  const lines = "requirepass {{ db.password }}\nbind 127.0.0.1\n"
  const quoted = '"{{ db.user }}" "{{ db.password }}"\n'
  const filtered = "a {{ db.password | append: 'x' }}\n"

  test.each([
    ["a line feed", lines, "one\nmodule load /tmp/evil.so"],
    ["a carriage return", lines, "one\rmodule load"],
    ["a NUL", lines, "one\0two"],
    ["an escape", lines, "one\u001b]0;two"],
    ["NEL, which YAML 1.1 takes for a line break", lines, "one\u0085two"],
    ["a line separator", lines, "one\u2028two"],
    ["its quotation mark", quoted, 'one" "postgres" "two'],
    ["a line feed, through a filter that leaves it", filtered, "one\ntwo"],
  ])("with %s is refused, and nothing is written", async (_, text, password) => {
    await using folder = await temporaryFolder()
    const output = open(folder.path, text)
    const values = shown(password)
    for (const act of [
      async () => output.mustTake?.(values),
      () => output.prepare(values, knownOf(fresh()), never),
    ]) {
      const error = await errorOf(act())
      expect(error).toMatchObject({ code: "value-breaks-out" })
      expect(JSON.stringify(error)).not.toContain("two")
    }
    expect(await output.read()).toBeUndefined()
  })

  test.each([
    ["through json", "requirepass {{ db.password | json }}\nx\n", 'one\n"two'],
    ["through base64", "x {{ db.password | base64_encode }}\n", "one\ntwo"],
    ["where the file is that value alone", "{{ db.password }}\n", "-----BEGIN\nkey\n-----END"],
    ["with a quotation mark that it does not stand in", lines, "one'\"two"],
    [
      "through a filter that takes line feeds away",
      "a {{ db.password | strip_newlines }}\n",
      "one\ntwo",
    ],
  ])("is written %s", async (_, text, password) => {
    await using folder = await temporaryFolder()
    const output = open(folder.path, text)
    expect(() => output.mustTake?.(shown(password))).not.toThrow()
    const draft = await output.prepare(shown(password), knownOf(fresh()), never)
    expect(draft.bytes.length).toBeGreaterThan(0)
    await draft.discard()
  })
})
