import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { App } from "../../src/app/app.ts"
import { ActivityScope } from "../../src/base/activity-scope.ts"
import { KeyedSemaphore } from "../../src/base/semaphore.ts"
import { loadConfig } from "../../src/config/load.ts"
import { newIdentity, recipientOf } from "../../src/core/seal.ts"
import { parseSchedule } from "../../src/plan/schedule.ts"
import { drivers } from "../../src/plugins/drivers/index.ts"
import { healths } from "../../src/plugins/healths/index.ts"
import { outputs } from "../../src/plugins/outputs/index.ts"
import { restarters } from "../../src/plugins/restarters/index.ts"
import { openKeys } from "../../src/record/keys.ts"

/**
 * An App as the commands open it, without their words: a config with all plug-ins and the store
 * "./store", with an identity of its own. `how`: the host, and whatever is not to be as usual.
 */
export async function openApp(
  folder: string,
  config: string,
  how: Pick<App, "host"> & Partial<App>,
): Promise<App> {
  const file = join(folder, "mycelium.yaml")
  await writeFile(file, config, { mode: 0o600 })
  await mkdir(join(folder, "store"), { recursive: true, mode: 0o700 })
  const plugins = { drivers, outputs, restarters, healths }
  const loaded = await loadConfig(file, plugins, { env: () => undefined, parseSchedule })
  const identity = await newIdentity()
  const keys = await openKeys(
    loaded.store,
    { identities: [identity], recipients: [await recipientOf(identity)] },
    { make: true },
  )
  return {
    config: loaded,
    plugins,
    keys,
    actor: { user: "test", via: "test" },
    holder: "test",
    onProgress: () => undefined,
    turns: new KeyedSemaphore(8),
    activity: new ActivityScope(),
    stop: new AbortController().signal,
    ...how,
  }
}
