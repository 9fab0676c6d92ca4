import { describe, expect, test } from "bun:test"
import { chmodSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { loadConfig } from "../../src/config/load.ts"
import { type Config, partsOf } from "../../src/config/model.ts"
import { ConfigProblems, formatProblems } from "../../src/config/problems.ts"
import { checkTrust } from "../../src/config/trust.ts"
import { parseSchedule } from "../../src/plan/schedule.ts"
import { drivers } from "../../src/plugins/drivers/index.ts"
import { healths } from "../../src/plugins/healths/index.ts"
import { outputs } from "../../src/plugins/outputs/index.ts"
import { restarters } from "../../src/plugins/restarters/index.ts"
import { errorOf } from "../support/error-of.ts"
import { temporaryFolder } from "../support/temp-folder.ts"

/** Templates in files of their own: a part of the config. */

function load(folder: string, output: object): Promise<Config> {
  const config = {
    project: "shop",
    environments: {
      production: { rotate_every: "7d", secrets: { key: "generated" }, outputs: [output] },
    },
  }
  writeFileSync(join(folder, "mycelium.yaml"), JSON.stringify(config, null, 2), { mode: 0o600 })
  return loadConfig(
    join(folder, "mycelium.yaml"),
    { drivers, outputs, restarters, healths },
    { env: () => undefined, parseSchedule },
  )
}
async function told(folder: string, output: object): Promise<string> {
  const error = await errorOf(load(folder, output))
  return error instanceof ConfigProblems ? formatProblems(error.problems) : error.message
}

describe("from:", () => {
  test("brings the file's text into the options, which a journal keeps", async () => {
    await using folder = await temporaryFolder()
    writeFileSync(join(folder.path, "redis.conf.liquid"), "requirepass {{ key.password }}\n", {
      mode: 0o600,
    })
    const config = await load(folder.path, { template: "redis.conf", from: "redis.conf.liquid" })
    expect(config.environments["production"]?.outputs).toEqual([
      {
        type: "template",
        target: join(folder.path, "redis.conf"),
        from: join(folder.path, "redis.conf.liquid"),
        shows: ["key"],
        options: { template: "redis.conf", text: "requirepass {{ key.password }}\n" },
      },
    ])
    expect(partsOf(config)).toEqual([
      join(folder.path, "mycelium.yaml"),
      join(folder.path, "redis.conf.liquid"),
    ])
  })

  test("accepts a file that no other user can change", async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, "t")
    writeFileSync(path, "{{ key.password }}")
    chmodSync(path, 0o666)
    const [, part = ""] = partsOf(await load(folder.path, { template: "out", from: "t" }))
    expect((await errorOf(checkTrust(part))).code).toBe("config-writable-by-others")
  })

  test("tells what is wrong, at its place", async () => {
    await using folder = await temporaryFolder()
    const place = `${join(folder.path, "mycelium.yaml")}:12:19  environments.production.outputs[0].from`
    expect(await told(folder.path, { template: "out", from: "none" })).toContain(
      `${place}: cannot be read: ENOENT`,
    )
    mkdirSync(join(folder.path, "folder"))
    expect(await told(folder.path, { template: "out", from: "folder" })).toContain(
      "is not a regular file",
    )
    const write = (text: string | Uint8Array): void => writeFileSync(join(folder.path, "t"), text)
    write("x".repeat(100_001))
    expect(await told(folder.path, { template: "out", from: "t" })).toContain(
      "is larger than 100000 bytes",
    )
    write(Buffer.from([0xff]))
    expect(await told(folder.path, { template: "out", from: "t" })).toContain(
      "cannot be read as UTF-8",
    )
    write("{{ key.password | nonsense }}")
    expect(await told(folder.path, { template: "out", from: "t" })).toContain(
      `${place}: the template cannot be read`,
    )
    write("{{ keyy.password }}")
    expect(await told(folder.path, { template: "out", from: "t" })).toContain(
      "shows a secret that this environment does not have; did you mean `key`?",
    )
    write("{{ key.password }}")
    expect(await told(folder.path, { template: "t", from: "t" })).toContain(
      "would replace its own template",
    )
  })
})

test("two outputs do not share a file, also where one is in the other's folder", async () => {
  await using folder = await temporaryFolder()
  const config = {
    project: "shop",
    environments: {
      production: {
        rotate_every: "7d",
        secrets: { key: "generated" },
        outputs: [
          { folder: "run", files: { a: "{{ key.password }}" } },
          { dotenv: "run/a", variables: { A: "{{ key.password }}" } },
        ],
      },
    },
  }
  writeFileSync(join(folder.path, "mycelium.yaml"), JSON.stringify(config))
  const error = await errorOf(
    loadConfig(
      join(folder.path, "mycelium.yaml"),
      { drivers, outputs, restarters, healths },
      { env: () => undefined, parseSchedule },
    ),
  )
  expect(error.message).toContain("writes the same file as environments.production.outputs[0]")
})
