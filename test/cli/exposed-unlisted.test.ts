import { expect, test } from "bun:test"
import { layOut } from "../support/mycelium.ts"

/**
 * What stands in a leaked text and is not in the config any more cannot be changed from here: that
 * is no success.
 */

test("--exposed-in names a secret that left the config, and ends with 7", async () => {
  await using project = await layOut()
  const config = (secrets: object): object => ({
    project: "shop",
    schedule: "0 3 * * *",
    environments: {
      production: {
        rotate_every: "90d",
        secrets,
        outputs: [{ dotenv: ".env", for: "compose", variables: { KEY: "{{ key.password }}" } }],
      },
    },
  })
  project.configure(config({ key: "generated", other: "generated" }))
  expect((await project.mycelium(["init"])).code).toBe(0)
  expect((await project.mycelium(["rotate-now", "production", "--new"])).code).toBe(0)
  project.write("leak.txt", project.read(".env"))
  project.configure({
    ...config({ other: "generated" }),
    environments: {
      production: { rotate_every: "90d", secrets: { other: "generated" } },
    },
  })
  for (const more of [[], ["--contain", "--yes"]]) {
    const ran = await project.mycelium(["rotate-now", "--exposed-in", "leak.txt", ...more])
    expect(ran.stderr).toContain("production/key  v1 (current) stands in the text")
    expect(ran.stderr).toContain(
      "NOT changed  production/key: it is in the state and not in the config",
    )
    expect(ran.stderr).not.toContain("no value that was ever ours")
    expect(ran.code).toBe(7)
  }
})
