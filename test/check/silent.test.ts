import { expect, test } from "bun:test"
import { chmodSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseMounts } from "../../src/base/files/mounts.ts"
import { realHost } from "../../src/base/system/host.ts"
import { alarms } from "../../src/check/alarms.ts"
import { check } from "../../src/check/check.ts"
import { MountGate } from "../../src/base/files/mount-gate.ts"
import type { Checked } from "../../src/check/request.ts"
import { openApp } from "../support/open-app.ts"
import { temporaryFolder } from "../support/temp-folder.ts"

/**
 * A file system that hangs cannot be made without root. So a folder is said to be such a mount, and
 * the question whether it answers never ends. What lies there is wrong in a way that any look would
 * tell, so that a finding says who has looked.
 */

const config = (folder: string): string => `
project: shop
rotate_every: 90d
store: ./store
identity: { env: IDENTITY }
environments:
  production:
    secrets: { key: generated }
    outputs:
      - { dotenv: ${folder}/dead/.env, variables: { KEY: "{{ key.password }}" } }
      - { dotenv: ${folder}/alive/.env, variables: { KEY: "{{ key.password }}" } }
    deployments:
      api: { command: ["${folder}/tools/restart"] }
`

const mountsAt = (points: readonly string[]): ReturnType<typeof parseMounts> =>
  parseMounts(
    [
      "27 1 254:0 / / rw - ext4 /dev/vda rw",
      ...points.map((point) => `60 27 0:77 / ${point} rw - fuse.dead dead rw`),
    ].join("\n"),
  )

async function machine(folder: string, silent: readonly string[]) {
  for (const name of ["dead", "alive", "tools"]) {
    mkdirSync(join(folder, name), { mode: 0o700 })
    writeFileSync(join(folder, name, name === "tools" ? "restart" : ".env"), "")
  }
  for (const name of ["dead/.env", "alive/.env", "tools/restart"])
    chmodSync(join(folder, name), 0o666)
  const app = await openApp(folder, config(folder), { host: realHost({}) })
  const asked: string[] = []
  const gate = new MountGate({
    mounts: mountsAt(silent.map((name) => join(folder, name))),
    ms: 20,
    ask: (path) => {
      asked.push(path)
      return new Promise(() => undefined)
    },
  })
  const me = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  const checked: Checked = { ...app, me, gate, whoAsks: () => app.actor }
  return { checked, asked }
}

type Ran = Awaited<ReturnType<typeof check>>
const codesAt = (results: Ran, path: string): readonly string[] =>
  results
    .flatMap(({ findings }) => findings)
    .filter(({ message }) => message.includes(path))
    .map(({ code }) => code)

for (const quick of [true, false])
  test(`${quick ? "check --quick" : "check"} names an output whose file system gives no answer, and goes on with the rest`, async () => {
    await using folder = await temporaryFolder()
    const { checked, asked } = await machine(folder.path, ["dead"])
    const results = await check(checked, { quick, connect: false, fix: false })
    expect(codesAt(results, `${folder.path}/dead`)).toEqual(["output-silent"])
    expect(codesAt(results, `${folder.path}/alive`)).toContain("file-open")
    expect(results.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["file systems", "files", "randomness", "clock", "state"]),
    )
    const [finding] = results.flatMap(({ findings }) =>
      findings.filter(({ code }) => code === "output-silent"),
    )
    expect(finding?.message).toBe(
      `the file system of ${folder.path}/dead/.env (an output of production) gives no answer ` +
        "within 5 s, or says that its server is gone; it was not looked at",
    )
    expect(finding?.remedy).toContain(`umount -l ${folder.path}/dead`)
    // Asked once, whatever looks there.
    expect(asked).toEqual([`${folder.path}/dead/.env`])
  })

test("a program whose file system gives no answer is named, and not looked at", async () => {
  await using folder = await temporaryFolder()
  const { checked } = await machine(folder.path, ["tools"])
  const results = await check(checked, { quick: false, connect: false, fix: false })
  expect(codesAt(results, `${folder.path}/tools/restart`)).toEqual(["place-silent"])
})

test("a store that gives no answer is all that is told", async () => {
  await using folder = await temporaryFolder()
  const { checked } = await machine(folder.path, ["store"])
  const results = await check(checked, { quick: true, connect: false, fix: false })
  expect(results.flatMap(({ findings }) => findings.map(({ code }) => code))).toEqual([
    "place-silent",
  ])
})

test("status has it among its alarms", async () => {
  await using folder = await temporaryFolder()
  const { checked } = await machine(folder.path, ["dead"])
  const found = await alarms(checked, [])
  expect(found.map(({ code }) => code)).toContain("output-silent")
})
