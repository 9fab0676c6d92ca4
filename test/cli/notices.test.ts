import { describe, expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { makeAuthority } from "../support/certificates.ts"
import { layOut } from "../support/mycelium.ts"
import { startReceiver } from "../support/servers/receiver.ts"

/** Who is told when something goes wrong: the built binary, a real receiver over HTTP. */

async function openShop(url: string, notify: object = {}) {
  const project = await layOut()
  project.write("url", url)
  project.script("restart-api", "[ ! -e sick ] || exit 1")
  project.script("health-api", "exit 0")
  project.configure({
    project: "shop",
    notify: [{ webhook: { file: "url" }, ...notify }],
    environments: {
      production: {
        schedule: "* * * * *",
        rotate_every: "1m",
        secrets: { key: "generated" },
        outputs: [{ dotenv: ".env", variables: { KEY: "{{ key.password }}" } }],
        deployments: {
          api: {
            command: ["./restart-api"],
            healthy: { command: ["./health-api"], within: "1s" },
          },
        },
      },
    },
  })
  return project
}

describe("a run that ends by itself", () => {
  test("tells what began once, and what is over once", async () => {
    await using receiver = await startReceiver()
    await using project = await openShop(receiver.url)
    for (const args of [["init"], ["rotate-now", "production", "--new"]])
      expect(`${(await project.mycelium(args)).code}`).toBe("0")
    project.write("sick", "")
    await project.mycelium(["rotate-now", "production"])
    await project.mycelium(["run", "--once"])
    await project.mycelium(["run", "--once"])
    expect(receiver.bodies.map((one) => [one["level"], one["environment"]])).toEqual([
      ["warning", "production"],
    ])
    expect(receiver.bodies[0]?.["title"]).toContain("shop/production: something failed (key)")
    rmSync(project.path("sick"))
    await project.mycelium(["rotate-now", "production"])
    await project.mycelium(["run", "--once"])
    await project.mycelium(["run", "--once"])
    expect(receiver.bodies.map((one) => one["level"])).toEqual(["warning", "ok"])
  }, 90_000)

  test("tells what a dead receiver missed once it answers again, and rotates meanwhile", async () => {
    await using receiver = await startReceiver()
    receiver.answers = () => new Response("", { status: 500 })
    await using project = await openShop(receiver.url)
    for (const args of [["init"], ["rotate-now", "production", "--new"]])
      await project.mycelium(args)
    project.write("sick", "")
    await project.mycelium(["rotate-now", "production"])
    const ran = await project.mycelium(["run", "--once", "--json"])
    expect(ran.stdout).toContain("a notice is not taken")
    expect(ran.stdout + ran.stderr).not.toContain(receiver.url)
    receiver.answers = undefined
    receiver.bodies.length = 0
    await project.mycelium(["run", "--once"])
    expect(receiver.bodies.map((one) => one["level"])).toEqual(["warning"])
  }, 90_000)
})

test.each([
  ["redirects", (): Response => Response.redirect("http://127.0.0.1:1/"), "it answered 302"],
  ["refuses", (): Response => new Response("", { status: 403 }), "it answered 403"],
])("notify --test says that a receiver %s", async (_, answers, why) => {
  await using receiver = await startReceiver()
  await using project = await openShop(receiver.url)
  const good = await project.mycelium(["notify", "--test"])
  expect([good.code, good.stdout]).toEqual([0, "notify[0], a webhook: taken\n"])
  receiver.answers = answers
  const bad = await project.mycelium(["notify", "--test"])
  expect([bad.code, bad.stdout]).toEqual([
    1,
    `notify[0], a webhook: NOT taken: ${why} (notice-failed)\n`,
  ])
})

test("notify --test says that a receiver's certificate is not trusted", async () => {
  await using receiver = await startReceiver(makeAuthority().issue(["127.0.0.1"]))
  await using project = await openShop(receiver.url)
  const said = await project.mycelium(["notify", "--test"])
  expect([said.code, said.stdout]).toEqual([
    1,
    "notify[0], a webhook: NOT taken: a certificate that is not trusted (notice-failed)\n",
  ])
  expect(receiver.bodies).toEqual([])
})
