import { expect, test } from "bun:test"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { rotateNow } from "../../src/app/rotate-now.ts"
import { MountGate } from "../../src/base/files/mount-gate.ts"
import { parseMounts } from "../../src/base/files/mounts.ts"
import { realHost } from "../../src/base/system/host.ts"
import { demandStore } from "../../src/cli/open-config.ts"
import { render } from "../../src/repair/render.ts"
import { openApp } from "../support/open-app.ts"
import { temporaryFolder } from "../support/temp-folder.ts"

/**
 * A file system that hangs cannot be made without root. So a folder is said to be such a mount, and
 * the question whether it answers never ends. A file there would be overwritten by the first act
 * that touches it.
 */

function hung(folder: string): { readonly gate: MountGate; readonly asked: string[] } {
  const asked: string[] = []
  const gate = new MountGate({
    mounts: parseMounts(
      [
        "27 1 254:0 / / rw - ext4 /dev/vda rw",
        `60 27 0:77 / ${folder} rw - fuse.dead dead rw`,
      ].join("\n"),
    ),
    ms: 20,
    ask: (path) => {
      asked.push(path)
      return new Promise(() => undefined)
    },
  })
  return { gate, asked }
}

test("an output whose file system gives no answer is not touched: its secret is left, and others are rotated", async () => {
  await using folder = await temporaryFolder()
  for (const name of ["dead", "alive"]) {
    mkdirSync(join(folder.path, name), { mode: 0o700 })
    writeFileSync(join(folder.path, name, ".env"), "")
  }
  const { gate, asked } = hung(join(folder.path, "dead"))
  const app = await openApp(
    folder.path,
    `
project: shop
rotate_every: 90d
store: ./store
identity: { env: IDENTITY }
environments:
  production:
    secrets: { one: generated, two: generated }
    outputs:
      - { dotenv: ${folder.path}/dead/.env, variables: { KEY: "{{ one.password }}" } }
      - { dotenv: ${folder.path}/alive/.env, variables: { KEY: "{{ two.password }}" } }
`,
    { host: realHost({}), gate },
  )
  const { outcomes } = await rotateNow(app, "production", {
    why: "new",
    skipGrace: false,
    waitMs: 0,
  })
  expect(outcomes).toMatchObject({
    one: { kind: "left", code: "output-silent" },
    two: { kind: "rotated", version: "v1" },
  })
  expect(JSON.stringify(outcomes["one"])).toContain(`umount -l ${folder.path}/dead`)
  expect(readFileSync(join(folder.path, "alive/.env"), "utf8")).toMatch(/^KEY=./m)
  expect(asked).toEqual([`${folder.path}/dead/.env`])
  expect(readFileSync(join(folder.path, "dead/.env"), "utf8")).toBe("")
  // What only writes asks first, too.
  expect(await render(app, "production")).toContainEqual(
    expect.objectContaining({ waits: ["one"] }),
  )
})

test("a store whose file system gives no answer is not looked at", async () => {
  const { gate, asked } = hung("/srv/dead")
  await expect(demandStore({ store: "/srv/dead/store" }, gate)).rejects.toMatchObject({
    code: "place-silent",
    hint: expect.stringContaining("umount -l /srv/dead"),
  })
  expect(asked).toEqual(["/srv/dead/store"])
  await demandStore({ store: "/srv/alive" }, gate)
})
