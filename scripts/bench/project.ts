import { Shift } from "../../src/base/shift.ts"
import { Turns } from "../../src/base/turns.ts"
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { App } from "../../src/app/app.ts"
import { realHost } from "../../src/base/host.ts"
import { loadConfig } from "../../src/config/load.ts"
import { newIdentity, recipientOf } from "../../src/core/seal.ts"
import { parseSchedule } from "../../src/plan/schedule.ts"
import { drivers } from "../../src/plugins/drivers/index.ts"
import { healths } from "../../src/plugins/healths/index.ts"
import { outputs } from "../../src/plugins/outputs/index.ts"
import { restarters } from "../../src/plugins/restarters/index.ts"
import { openKeys } from "../../src/record/vault.ts"

export type OpenProject = { readonly app: App; readonly folder: string } & AsyncDisposable

/** A scratch project, opened as the commands open it, that is gone at the end. */
export async function openProject(yaml: (folder: string) => string): Promise<OpenProject> {
  const folder = await mkdtemp(join(tmpdir(), "mycelium-bench-"))
  await chmod(folder, 0o700)
  const file = join(folder, "mycelium.yaml")
  await writeFile(file, `project: bench\nstore: ./store\n${yaml(folder)}`, { mode: 0o600 })
  const plugins = { drivers, outputs, restarters, healths }
  const host = realHost({})
  const config = await loadConfig(file, plugins, { env: () => undefined, parseSchedule })
  const identity = await newIdentity()
  await mkdir(join(folder, "store"), { mode: 0o700 })
  const keys = await openKeys(
    config.store,
    { identities: [identity], recipients: [await recipientOf(identity)] },
    { make: true },
  )
  const app: App = {
    config,
    plugins,
    host,
    keys,
    actor: { user: "bench", via: "bench" },
    holder: "bench",
    tell: () => undefined,
    turns: new Turns(config.perServer),
    shift: new Shift(),
    stop: new AbortController().signal,
  }
  return { app, folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
}
