import { expect, test } from "bun:test"
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { App } from "../../src/app/app.ts"
import { readIdentity } from "../../src/app/identity.ts"
import { init } from "../../src/app/init.ts"
import { rekey } from "../../src/repair/rekey.ts"
import { rotateNow } from "../../src/app/rotate-now.ts"
import { realHost } from "../../src/base/system/host.ts"
import { ActivityScope } from "../../src/base/activity-scope.ts"
import { KeyedSemaphore } from "../../src/base/semaphore.ts"
import { loadConfig } from "../../src/config/load.ts"
import { opens, sealedIn } from "../../src/core/seal.ts"
import { parseSchedule } from "../../src/plan/schedule.ts"
import { drivers } from "../../src/plugins/drivers/index.ts"
import { healths } from "../../src/plugins/healths/index.ts"
import { outputs } from "../../src/plugins/outputs/index.ts"
import { restarters } from "../../src/plugins/restarters/index.ts"
import { readState } from "../../src/record/state-file.ts"
import { openKeys } from "../../src/record/keys.ts"
import { temporaryFolder } from "../support/temp-folder.ts"

test("a process that has run since before a rekey opens what was sealed anew, and seals nothing to the old identity", async () => {
  await using folder = await temporaryFolder()
  const host = realHost({ XDG_CONFIG_HOME: join(folder.path, "config") })
  const file = join(folder.path, "mycelium.yaml")
  await writeFile(
    file,
    "project: test\n" +
      "store: ./store\n" +
      "rotate_every: 90d\n" +
      "environments:\n  " +
      "production: { secrets: { k: generated, l: generated } }\n",
    { mode: 0o600 },
  )
  await mkdir(join(folder.path, "store"), { mode: 0o700 })
  await init(host, {
    folder: folder.path,
    configPath: file,
    store: join(folder.path, "store"),
    identity: {},
    current: async () => [],
  })
  const plugins = { drivers, outputs, restarters, healths }
  const config = await loadConfig(file, plugins, { env: host.env, parseSchedule })
  const open = async (): Promise<App> => ({
    config,
    plugins,
    host,
    keys: await openKeys(config.store, await readIdentity(config, host), { make: true }),
    actor: { user: "test", via: "test" },
    holder: "test",
    onProgress: () => undefined,
    turns: new KeyedSemaphore(8),
    activity: new ActivityScope(),
    stop: new AbortController().signal,
  })
  const rotate = (
    app: App,
    how: { readonly why: "new" | "asked"; readonly secrets: readonly string[] },
  ): ReturnType<typeof rotateNow> =>
    rotateNow(app, "production", { ...how, skipGrace: false, waitMs: 0 })

  const service = await open()
  const old = service.keys.identities
  await rotate(service, { why: "new", secrets: ["k"] })
  expect((await rekey(await open(), { newIdentity: true })).old).toBe("gone")
  // A first value is sealed without opening any: what is sealed to the old identity only would go unnoticed.
  expect((await rotate(service, { why: "new", secrets: ["l"] })).outcomes["l"]?.kind).toBe(
    "rotated",
  )
  expect((await rotate(service, { why: "asked", secrets: ["k"] })).outcomes["k"]?.kind).toBe(
    "rotated",
  )
  const sealed = sealedIn(
    await readState({ store: config.store, project: "test", environment: "production" }),
  )
  expect(sealed.length).toBe(3)
  for (const text of sealed) expect(await opens(old, text)).toBe(false)
})
