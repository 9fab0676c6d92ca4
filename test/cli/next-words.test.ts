import { describe, expect, test } from "bun:test"
import { generatedNames, openGenerated } from "../support/generated.ts"
import { layOut, type Project } from "../support/mycelium.ts"

/** Words about what is in the config, and what is not any more. */

async function withEnvironments(...names: readonly string[]): Promise<Project> {
  const one = {
    rotate_every: "90d",
    secrets: { key: { driver: "generated", unshown: true } },
  }
  return layOut(
    {},
    { project: "shop", environments: Object.fromEntries(names.map((name) => [name, one])) },
  )
}

describe("init beside a config that is kept", () => {
  test("names its environments, and does not ask to edit it", async () => {
    await using project = await withEnvironments("staging", "live")
    const { stderr } = await project.mycelium(["init"])
    expect(stderr).toContain(
      "next: mycelium adopt staging (values that exist) or mycelium rotate-now staging --new (first values); the same for live",
    )
    expect(stderr).not.toContain("production")
  })
})

describe("a template that shows a field which a secret does not have", () => {
  const tell = async (output: object, template = ""): Promise<string> => {
    await using project = await layOut(
      { "app.tpl": template },
      {
        project: "shop",
        environments: {
          production: { rotate_every: "90d", secrets: { key: "generated" }, outputs: [output] },
        },
      },
    )
    const { stderr } = await project.mycelium(["check"])
    return stderr.replaceAll(project.folder, "")
  }

  test("names the field, and its line in the file of the template", async () => {
    const said = await tell(
      { template: "app.conf", from: "app.tpl" },
      "a: 1\n\nb: {{ key.passwd }}\n",
    )
    expect(said).toContain("shows `passwd` in line 3 of /app.tpl, which `key` does not have")
  })

  test("names its line in a text of several lines, and no word that may be a value", async () => {
    const text = "a: {{ key.password }}\nb: {{ key.S3cretValue9 }}\n"
    const said = await tell({ template: "app.conf", text })
    expect(said).toContain("shows a field in line 2 of its text, which `key` does not have")
    expect(said).not.toContain("S3cret")
  })
})

test("the dry run of a containment of all names an environment that was taken out of the config", async () => {
  await using project = await openGenerated()
  const config = project.read("mycelium.yaml")
  project.write("mycelium.yaml", config.replaceAll("production", "live"))
  expect(generatedNames.length).toBeGreaterThan(0)
  const dry = await project.mycelium(["rotate-now", "--all", "--contain", "--dry-run"])
  expect(dry.stdout).toContain("NOT changed production: it has a state and is not in the config")
  expect(dry.code).toBe(7)
  const ran = await project.mycelium(["rotate-now", "--all", "--contain", "--yes"])
  expect(ran.stdout + ran.stderr).toContain("production")
  expect(ran.code).toBe(7)
})

test("two configs in one store: what the other one has is not contained, and the way on names that config", async () => {
  await using project = await openGenerated()
  const config = project.read("mycelium.yaml")
  // With files of its own.
  project.write("other/mycelium.yaml", config.replaceAll("production", "staging"))
  for (const name of generatedNames) {
    project.write(`other/${name}.env`, project.read(`${name}.env`))
    project.script(`other/restart-${name}`, "exit 0")
  }
  const adopted = await project.mycelium(["adopt", "staging", "--config", "other/mycelium.yaml"])
  expect(adopted.code).toBe(0)
  const incident = ["--contain", "--yes", "--incident", "leak"]
  const ran = await project.mycelium(["rotate-now", "--all", ...incident])
  expect(ran.code).toBe(7)
  expect(ran.stdout).toContain("leak: NOT all contained, 3 left.")
  expect(ran.stdout).toContain("if another config has it, name that with --config")
  const other = ["rotate-now", "staging", ...incident, "--config", "other/mycelium.yaml"]
  const there = await project.mycelium(other)
  expect({ code: there.code, said: there.code === 0 ? "" : there.stdout }).toEqual({
    code: 0,
    said: "",
  })
  const report = await project.mycelium(["report", "leak"])
  expect({ code: report.code, said: report.code === 0 ? "" : report.stdout }).toEqual({
    code: 0,
    said: "",
  })
  expect(report.stdout).toContain("Contained: yes")
}, 60_000)
