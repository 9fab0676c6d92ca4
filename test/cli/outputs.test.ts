import { describe, expect, test } from "bun:test"
import { chmodSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { json, layOut } from "../support/mycelium.ts"
import {
  codesOf,
  configOf,
  eachOf,
  kinds,
  names,
  paths,
  rotated,
  value,
} from "../support/output-kinds.ts"
import { succeed } from "../support/one-secret.ts"

/**
 * Every kind of output through the binary: what check says if a file is not as it was written, and
 * that render repairs it.
 */

describe("a whole file", () => {
  test("of every kind is sound after two rotations, and shows the values of the last", async () => {
    await using project = await rotated()
    const first = project.read("out/run/key")
    await succeed(project, "rotate-now", "production")
    expect(await codesOf(project)).toEqual({})
    const key = project.read("out/run/key")
    expect(key).not.toBe(first)
    for (const path of Object.values(paths)) expect(project.read(path).split(key)).toHaveLength(2)
    expect(await succeed(project, "render")).not.toContain("written")
  })

  test("of every kind: check says what was done to it, and render repairs it", async () => {
    await using project = await rotated()
    const texts = (): Readonly<Record<string, string>> =>
      eachOf((name) => project.read(paths[name]))
    const older = texts()
    await succeed(project, "rotate-now", "production")
    const now = texts()
    const repaired = async (): Promise<void> => {
      await succeed(project, "render")
      expect(texts()).toEqual(now)
    }
    for (const name of names) rmSync(project.path(paths[name]))
    expect(await codesOf(project)).toEqual(
      eachOf((name) => [name === "folder" ? "output-incomplete" : "output-missing"]),
    )
    await repaired()
    expect(await codesOf(project)).toEqual({})
    for (const name of names) writeFileSync(project.path(paths[name]), older[name] ?? "")
    expect(await codesOf(project)).toEqual(
      eachOf((name) => [name === "template, one way" ? "output-edited" : "output-stale"]),
    )
    await repaired()
    for (const name of names) chmodSync(project.path(paths[name]), 0o644)
    expect(await codesOf(project)).toEqual(eachOf(() => ["file-open"]))
    await repaired()
    for (const name of names) writeFileSync(project.path(paths[name]), "")
    expect(await codesOf(project)).toEqual(
      eachOf((name) => [name === "template, one way" ? "output-edited" : "output-incomplete"]),
    )
    await repaired()
    for (const name of names) {
      writeFileSync(project.path("same"), now[name] ?? "", { mode: 0o600 })
      renameSync(project.path("same"), project.path(paths[name]))
    }
    expect(await codesOf(project)).toEqual({})
  }, 60_000)

  test("of every kind: an edit that may be the only copy of something stays until a person decides", async () => {
    await using project = await rotated()
    const key = project.read("out/run/key")
    const edited = eachOf((name) =>
      project.read(paths[name]).replace(key, "Theirs-and-nowhere-else.1"),
    )
    for (const name of names) project.write(paths[name], edited[name] ?? "")
    expect(await codesOf(project)).toEqual(
      eachOf((name) => [name === "template, one way" ? "output-edited" : "output-drift"]),
    )
    for (const name of names) {
      const ran = await project.mycelium(["render"])
      expect(ran.code).toBe(1)
      expect(ran.stderr).toContain("is not overwritten")
      expect(ran.stderr).toContain("hint: ")
      expect(`${ran.stdout}${ran.stderr}`).not.toContain("Theirs")
      expect(project.read(paths[name])).toBe(edited[name] ?? "")
      renameSync(project.path(paths[name]), project.path("moved"))
    }
    await succeed(project, "render")
    expect(await codesOf(project)).toEqual({})
  }, 60_000)

  test("written by an older template is overwritten by a newer one", async () => {
    await using project = await rotated()
    const text = `# more\nrequirepass ${value}\n`
    project.configure(
      configOf([
        { ...kinds.template, text },
        { ...kinds.json, variables: { d: value } },
      ]),
    )
    await succeed(project, "render")
    const key = project.read("out/run/key")
    expect([project.read("out/redis.conf"), JSON.parse(project.read("out/x.json"))]).toEqual([
      `# more\nrequirepass ${key}\n`,
      { d: key },
    ])
    project.write("redis.liquid", `requirepass ${value}`)
    project.configure(configOf([{ template: "out/redis.conf", from: "redis.liquid" }]))
    expect(await succeed(project, "render")).toContain("out/redis.conf: written: contents")
    expect(project.read("out/redis.conf")).toBe(`requirepass ${key}`)
    project.write("redis.liquid", `requirepass ${value}`, 0o666)
    expect((await project.mycelium(["render"])).code).toBe(3)
  })
})

test("adopt takes values from every kind that can be read backwards, and says which one cannot", async () => {
  for (const name of names) {
    await using project = await layOut({}, configOf([kinds[name]]))
    const [key, other] = ["Adopted-key.1", "Adopted-other.1"]
    const before: Readonly<Record<keyof typeof kinds, string>> = {
      dotenv: `KEY=${key}\nOTHER=${other}\n`,
      template: `requirepass ${key}\nmasterauth ${other}\n`,
      "template, one way": `${key} ${other.slice(0, 4)}\n`,
      json: JSON.stringify({ a: { b: key }, c: other }),
      yaml: `{ a: { b: ${key} }, c: '${other}' }`,
      folder: `${key}\n`,
    }
    project.write(paths[name], before[name])
    if (name === "folder") project.write("out/run/other", other)
    await succeed(project, "init")
    const ran = await project.mycelium(["adopt", "production", "--json"])
    const { results } = json<{
      readonly results: Readonly<
        Record<string, { readonly kind: string; readonly code?: string; readonly message?: string }>
      >
    }>(ran)
    if (name === "template, one way")
      expect(results["key"]).toMatchObject({
        kind: "refused",
        code: "adopt-untold",
        message: `${project.path("out/one-way")} shows it through a template that cannot be read backwards`,
      })
    else {
      expect(Object.values(results).map(({ kind }) => kind)).toEqual(["adopted", "adopted"])
      await succeed(project, "rotate-now", "production")
      expect(project.read(paths[name])).not.toContain(key)
    }
  }
}, 60_000)

test("delete removes a secret from every kind, and the files with the last secret", async () => {
  await using project = await rotated()
  const key = project.read("out/run/key")
  const other = project.read("out/run/other")
  await succeed(project, "delete", "production/key", "--yes")
  for (const path of ["out/env", "out/x.json", "out/x.yml", "out/run/other"])
    expect([project.read(path).includes(key), project.read(path).includes(other)]).toEqual([
      false,
      true,
    ])
  for (const path of ["out/redis.conf", "out/one-way", "out/run/key"])
    expect(project.has(path)).toBe(false)
  await succeed(project, "delete", "production/other", "--yes")
  for (const path of Object.values(paths)) expect(project.has(path)).toBe(false)
})
