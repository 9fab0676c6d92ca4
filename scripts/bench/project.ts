import { KeyedSemaphore } from "../../src/base/semaphore.ts"
import { chmod, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { App } from "../../src/app/app.ts"
import { realHost } from "../../src/base/system/host.ts"
import { openApp } from "../../test/support/open-app.ts"

export type OpenProject = { readonly app: App; readonly folder: string } & AsyncDisposable

/** A scratch project, opened as the commands open it, that is gone at the end. */
export async function openProject(yaml: (folder: string) => string): Promise<OpenProject> {
  const folder = await mkdtemp(join(tmpdir(), "mycelium-bench-"))
  await chmod(folder, 0o700)
  const opened = await openApp(folder, `project: bench\nstore: ./store\n${yaml(folder)}`, {
    host: realHost({}),
    actor: { user: "bench", via: "bench" },
    holder: "bench",
  })
  const app: App = { ...opened, turns: new KeyedSemaphore(opened.config.perServer) }
  return { app, folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
}
