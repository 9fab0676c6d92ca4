import { expect, test } from "bun:test"
import { createHash } from "node:crypto"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { layOut } from "../../../support/mycelium.ts"
import { source } from "../../../support/running.ts"

/** The example of the manual, as it stands there, against a gateway that asks for a token. */

const page = readFileSync(join(source, "manual/exec.md"), "utf8")
const example = /```sh\n(#!\/bin\/sh\n[\s\S]*?)```/.exec(page)?.[1] ?? ""
const missing = ["/usr/bin/jq", "/usr/bin/curl"].filter((path) => !existsSync(path))

test.skipIf(missing.length > 0)(
  `the example in the manual makes a first value, rotates it, goes back and is contained${missing.length > 0 ? ` (skipped: no ${missing.join(", ")})` : ""}`,
  async () => {
    await using project = await layOut({ tokens: "", ".env": "# mine\n" })
    let calls = 0
    using gateway = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: ({ headers }) => {
        calls++
        const token = headers.get("authorization")?.replace(/^Bearer /, "") ?? ""
        const hash = createHash("sha256").update(token).digest("hex")
        return new Response("", {
          status: project.read("tokens").split("\n").includes(hash) ? 200 : 401,
        })
      },
    })
    const url = `http://127.0.0.1:${gateway.port}/`
    const enter = async (token: string): Promise<number> =>
      (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status
    const [, ...lines] = example.trimEnd().split("\n")
    project.script("gateway-token", ...lines)
    project.configure({
      project: "shop",
      environments: {
        production: {
          rotate_every: "90d",
          secrets: {
            gateway: {
              driver: "exec",
              command: ["./gateway-token"],
              holds: "two",
              grace: "0s",
              env: { LIST: project.path("tokens"), URL: url },
            },
          },
          outputs: [
            { dotenv: ".env", merge: true, variables: { GATEWAY_TOKEN: "{{ gateway.password }}" } },
          ],
          deployments: { api: { command: ["./restart"], reads: [".env"] } },
        },
      },
    })
    project.script("restart", "[ ! -e sick ]")
    await project.mycelium(["init"])
    const done = async (...args: readonly string[]): Promise<void> => {
      const { code, stdout, stderr } = await project.mycelium(args)
      expect({ args, code, said: stdout + stderr }).toMatchObject({ args, code: 0 })
    }
    await done("rotate-now", "production", "--new")
    const first = project.variable("GATEWAY_TOKEN")
    expect(await enter(first)).toBe(200)
    await done("rotate-now", "production", "--dry-run")
    await done("check", "--connect")
    await done("rotate-now", "production")
    const second = project.variable("GATEWAY_TOKEN")
    expect([await enter(first), await enter(second)]).toEqual([401, 200])
    project.write("sick", "")
    expect((await project.mycelium(["rotate-now", "production"])).code).not.toBe(0)
    expect([
      project.variable("GATEWAY_TOKEN"),
      await enter(second),
      project.read("tokens").trim().split("\n").length,
    ]).toEqual([second, 200, 1])
    project.script("restart", "true")
    // No sessions are ended: the program does not say that it can.
    expect((await project.mycelium(["rotate-now", "production", "--contain", "--yes"])).code).toBe(
      5,
    )
    expect([await enter(second), await enter(project.variable("GATEWAY_TOKEN"))]).toEqual([
      401, 200,
    ])
    expect(calls).toBeGreaterThan(10)
  },
  60_000,
)
