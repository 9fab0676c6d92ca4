import { expect, test } from "bun:test"
import { layOut } from "../support/mycelium.ts"

/** Beside what the runtime itself holds open. */
const descriptors = 120
const environments = Array.from({ length: 200 }, (_, number) => `e${number}`)

test("many environments are read with few descriptors, and none is called broken for want of one", async () => {
  await using project = await layOut(
    {},
    {
      project: "shop",
      rotate_every: "never",
      environments: Object.fromEntries(
        environments.map((name) => [
          name,
          {
            secrets: { key: "generated" },
            outputs: [{ dotenv: `${name}.env`, variables: { KEY: "{{ key.password }}" } }],
          },
        ]),
      ),
    },
  )
  await project.mycelium(["init"])
  expect((await project.mycelium(["rotate-now", "--all", "--new"])).code).toBe(0)
  const under = ["prlimit", `--nofile=${descriptors}:${descriptors}`]
  const [check, verified, report] = [
    await project.mycelium(["check"], { under }),
    await project.mycelium(["audit", "verify"], { under }),
    await project.mycelium(["report", "--since", "90d"], { under }),
  ]
  const unread = [check, verified, report].map(
    ({ stdout, stderr }) => /.*EMFILE.*/.exec(stdout + stderr)?.[0],
  )
  expect({ unread, code: verified.code }).toEqual({
    unread: [undefined, undefined, undefined],
    code: 0,
  })
  expect(check.stdout).toContain(
    `ok    outputs: ${environments.length} files show no value but current ones`,
  )
  expect(check.stdout).toContain(
    `ok    seal: ${environments.length} states are as mycelium wrote them`,
  )
  expect(verified.stdout.split("\n").filter((line) => /^e\d+ [1-9]/.test(line)).length).toBe(
    environments.length,
  )
}, 60_000)
