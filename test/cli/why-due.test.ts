import { expect, test } from "bun:test"
import { json, layOut } from "../support/mycelium.ts"

/** Why the service rotated a secret, and will: told by plan, by the service's log and by the audit log. */

type Planned = {
  readonly environments: readonly {
    readonly events: readonly { readonly causes: Readonly<Record<string, unknown>> }[]
  }[]
}

test("plan says since when a secret is due, the service and audit by what it was", async () => {
  await using project = await layOut(
    {},
    {
      project: "shop",
      schedule: "0 3 * * *",
      rotate_every: "90d",
      environments: {
        production: {
          secrets: { key: "generated" },
          outputs: [{ dotenv: ".env", merge: true, variables: { KEY: "{{ key.password }}" } }],
        },
      },
    },
  )
  project.write(
    ".env",
    `KEY=${Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString("hex")}\n`,
  )
  expect((await project.mycelium(["init"])).code).toBe(0)
  expect((await project.mycelium(["adopt", "production", "--rotated-at", "100d"])).code).toBe(0)

  expect((await project.mycelium(["plan"])).stdout).toMatch(
    /rotate key \(every 90d, [\d.]+ bits, due since \w{3} \d+ \w{3,4} (\d{4} )?03:00 UTC\)/,
  )
  const { causes } = json<Planned>(await project.mycelium(["plan", "--json"])).environments[0]
    ?.events[0] ?? { causes: {} }
  expect(causes).toEqual({
    key: { by: "age", tick: expect.stringMatching(/^\d{4}-\d\d-\d\dT03:00:00\.000Z$/) },
  })

  const ran = await project.mycelium(["run", "--once"])
  expect(ran.code).toBe(0)
  const due = /due \d{4}-\d\d-\d\d 03:00 UTC \(its age\)/
  expect(ran.stderr).toMatch(
    new RegExp(`rotated environment=production secret=key .*${due.source}`),
  )

  expect((await project.mycelium(["audit"])).stdout).toMatch(
    new RegExp(`production/key +generate +v2 +${due.source}`),
  )
  const lines = (await project.mycelium(["audit", "--json"])).stdout.trim().split("\n")
  expect(lines.map((line) => JSON.parse(line) as object)).toContainEqual(
    expect.objectContaining({ event: "generate", secret: "key", why: "due", due: causes["key"] }),
  )
}, 60_000)
