import { readFileSync, writeFileSync } from "node:fs"
import { describe, expect, test } from "bun:test"
import { configOfGenerated, killRotation, openGenerated, variableOf } from "../support/generated.ts"
import { type Project, json } from "../support/mycelium.ts"
import { versionsOf } from "../support/sealed.ts"

/**
 * A value that no service asks for, and that a person has changed in the file: every hint says
 * adopt, and adopt takes it over.
 */

const names = ["alpha", "beta"] as const

/** Both in one file, alpha in a second one, too, and a program for each file. */
const outputs = {
  outputs: [
    {
      dotenv: ".env",
      merge: true,
      variables: { ALPHA: "{{ alpha.password }}", BETA: "{{ beta.password }}" },
    },
    { dotenv: "alpha.env", merge: true, variables: { ALPHA: "{{ alpha.password }}" } },
  ],
  deployments: {
    api: { command: ["/bin/true"], reads: [".env"] },
    web: { command: ["/bin/true"], reads: ["alpha.env"] },
  },
}

async function open(): Promise<Project> {
  const project = await openGenerated({}, names)
  project.write(
    ".env",
    names
      .map((name) => `${variableOf(name)}=${project.variable(variableOf(name), `${name}.env`)}\n`)
      .join(""),
  )
  project.configure(configOfGenerated(outputs, names))
  expect((await project.mycelium(["render", "production"])).code).toBe(0)
  return project
}

function byHand(project: Project, file = ".env"): string {
  const value = `Set-by-hand.${crypto.randomUUID()}`
  project.write(file, project.read(file).replace(/^ALPHA=.*$/m, `ALPHA=${value}`))
  return value
}

async function stages(project: Project): Promise<readonly string[]> {
  return (await versionsOf(project, "alpha")).map(({ id, stage }) => `${id} ${stage}`)
}

describe("a generated value that was changed by hand", () => {
  test.each([
    "rotate-now production",
    "render production",
    "reconcile production",
    "delete production/alpha --yes",
    "check",
  ])(
    "%s says adopt, and nothing is overwritten",
    async (words) => {
      await using project = await open()
      const value = byHand(project)
      const ran = await project.mycelium(words.split(" "))
      expect(ran.stdout + ran.stderr).toContain("mycelium adopt")
      expect(project.variable("ALPHA")).toBe(value)
    },
    60_000,
  )

  test("adopt takes it over, keeps the one before, and names the files and programs that still have that", async () => {
    await using project = await open()
    const former = project.variable("ALPHA")
    const value = byHand(project)
    const adopted = await project.mycelium(["adopt", "production"])
    expect({ code: adopted.code, out: adopted.stdout }).toEqual({
      code: 0,
      out: expect.stringContaining("production/alpha: adopted as v2: no service asks for it"),
    } as never)
    const target = project.path("alpha.env")
    expect(adopted.stdout).toContain(
      `  ${target} is not up to date: mycelium render production writes it`,
    )
    expect(adopted.stdout).toContain(
      "  then restart what may still hold the former value: api, web",
    )
    expect(adopted.stdout).not.toContain(value)
    expect(await versionsOf(project, "alpha")).toEqual([
      { id: "v1", stage: "retired", password: former },
      { id: "v2", stage: "current", password: value },
    ])
    expect(project.variable("ALPHA", "alpha.env")).toBe(former)
    // What it says holds.
    expect((await project.mycelium(["render", "production"])).code).toBe(0)
    expect(project.variable("ALPHA", "alpha.env")).toBe(value)
    const rotated = await project.mycelium(["rotate-now", "production"])
    expect(rotated.code).toBe(0)
    expect(await stages(project)).toEqual(["v1 retired", "v2 retired", "v3 current"])
  }, 60_000)

  test("--json names them, too; where all files show it there is only who to restart", async () => {
    await using project = await open()
    const value = byHand(project)
    project.write("alpha.env", `ALPHA=${value}\n`)
    const adopted = await project.mycelium(["adopt", "production", "--json"])
    expect(json<{ results: object }>(adopted).results).toMatchObject({
      alpha: { kind: "adopted", version: "v2", follow: { outputs: [], restarts: ["api", "web"] } },
      beta: { kind: "known", version: "v1" },
    })
  }, 60_000)

  test("--from gives it, too", async () => {
    await using project = await open()
    project.write("given.json", JSON.stringify({ alpha_password: "Given.0123456789-abcdef" }))
    const adopted = await project.mycelium(["adopt", "production", "--from", "given.json"])
    expect(adopted.code).toBe(0)
    expect(adopted.stdout).toContain("production/alpha: adopted as v2")
    expect(adopted.stdout).toContain(
      `${project.path(".env")}, ${project.path("alpha.env")} are not up to date`,
    )
  }, 60_000)

  test("two files with two new values: only a person knows which is right", async () => {
    await using project = await open()
    byHand(project)
    byHand(project, "alpha.env")
    const adopted = await project.mycelium(["adopt", "production"])
    expect(adopted.stderr).toContain("two outputs show different values of alpha.password")
    expect(await stages(project)).toEqual(["v1 current"])
  }, 60_000)

  test("an older version in the file is not a person's value: it is not taken back", async () => {
    await using project = await open()
    const former = project.variable("ALPHA")
    expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
    const now = project.variable("ALPHA")
    for (const file of [".env", "alpha.env"])
      project.write(file, project.read(file).replace(`ALPHA=${now}`, `ALPHA=${former}`))
    const adopted = await project.mycelium(["adopt", "production"])
    expect(adopted.stdout).toContain(
      "production/alpha: not adopted: the output shows v1, which is not current any more: " +
        "that is v2 (output-stale)",
    )
    expect(adopted.stdout).toContain("hint: mycelium render production writes the current one")
    expect(await stages(project)).toEqual(["v1 retired", "v2 current"])
    expect((await project.mycelium(["render", "production"])).code).toBe(0)
    expect(project.variable("ALPHA")).toBe(now)
  }, 60_000)

  test("after a store of yesterday was put back, adopt takes over what the files show", async () => {
    await using project = await open()
    const backups = [project.statePath(), project.auditPath()].map(
      (path) => [path, readFileSync(path)] as const,
    )
    expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
    const live = names.map((name) => project.variable(variableOf(name)))
    for (const [path, bytes] of backups) writeFileSync(path, bytes)
    expect((await project.mycelium(["rotate-now", "production"])).stdout).toContain("output-drift")
    expect((await project.mycelium(["adopt", "production"])).code).toBe(0)
    expect(await versionsOf(project, "alpha")).toContainEqual({
      id: "v2",
      stage: "current",
      password: live[0],
    })
    expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
  }, 60_000)
})

describe("while a rotation is not finished, which cannot end before", () => {
  /** Of these, killed in the first restart: the new values are in the files. */
  async function killed(project: Project, ...selection: readonly string[]): Promise<void> {
    project.script("restart-api", "touch alpha.begun", "while test -e hold; do sleep 0.05; done")
    project.configure(
      configOfGenerated(
        {
          ...outputs,
          deployments: {
            ...outputs.deployments,
            api: { command: ["./restart-api"], reads: [".env"] },
          },
        },
        names,
      ),
    )
    await killRotation(project, selection)
  }

  test.each([
    ["in it", "production"],
    ["beside it", "production/beta"],
  ])(
    "a value %s is taken over, and the rotation ends",
    async (_, selection) => {
      await using project = await open()
      await killed(project, selection)
      const value = byHand(project)
      const rotated = await project.mycelium(["rotate-now", selection])
      expect(rotated.stdout).toContain("output-drift")
      expect(project.variable("ALPHA")).toBe(value)
      const adopted = await project.mycelium(["adopt", "production"])
      expect({ code: adopted.code, out: adopted.stdout }).toEqual({
        code: 0,
        out: expect.stringContaining("production/alpha: adopted as "),
      } as never)
      expect((await versionsOf(project, "alpha")).find(({ stage }) => stage === "current")).toEqual(
        expect.objectContaining({ password: value }),
      )
      expect((await project.mycelium(["status"])).stdout).not.toContain("is not finished")
      expect((await project.mycelium(["render", "production"])).code).toBe(0)
      expect(project.variable("ALPHA")).toBe(value)
      expect((await project.mycelium(["rotate-now", "production"])).code).toBe(0)
    },
    120_000,
  )
})
