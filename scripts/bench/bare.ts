import { constants } from "node:fs"
import { open } from "node:fs/promises"
import { join } from "node:path"
import { durableWrite } from "../../src/base/durable-write.ts"
import { randomText } from "../../src/base/random-text.ts"
import { seal, unseal } from "../../src/core/seal.ts"
import type { App } from "../../src/app/app.ts"

/** What one rotation must do to a disk, whoever does it: the limit does the same, with nothing around it. */
export const acts = { stateWrites: 4, logAppends: 3, outputWrites: 1, seals: 2, opens: 1 } as const

/** The durable acts of one rotation of `generated` into one file, bare. */
export async function bareRotation(app: App, folder: string, kind: { readonly revokes: boolean }): Promise<void> {
  const { recipients, identities } = app.keys
  const value = randomText(32, app.host.random)
  const sealed = await seal(recipients, Buffer.from(value.padEnd(256)))
  await unseal(identities, sealed)
  await seal(recipients, Buffer.from(value.padEnd(256)))
  const state = "x".repeat(8000)
  const writes = kind.revokes ? acts.stateWrites : acts.stateWrites - 1
  const appends = kind.revokes ? acts.logAppends : acts.logAppends - 1
  for (let write = 0; write < writes; write++) await durableWrite(join(folder, "bare.json"), state)
  for (let append = 0; append < appends; append++) {
    const log = await open(join(folder, "bare.log"), constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, 0o600)
    await log.appendFile(`${"y".repeat(250)}\n`)
    await log.datasync()
    await log.close()
  }
  await durableWrite(join(folder, "bare.env"), `VALUE=${value}\n`)
}
