import { closeSync, constants, openSync, writeSync } from "node:fs"
import { join } from "node:path"
import type { App } from "../../src/app/app.ts"
import { slow } from "../../src/base/files/disk.ts"
import { randomText } from "../../src/base/text/random-text.ts"
import { seal, unseal } from "../../src/core/seal.ts"

/** What one rotation must do to a disk, whichever program does it; counted in our own system-call log. */
export const acts = {
  stateWrites: 3,
  logAppends: 2,
  outputWrites: 1,
  seals: 2,
  opens: 2,
  ofRevoke: { stateWrites: 1, logAppends: 1 },
} as const

/** A state with ten kept versions. */
const stateBytes = 12_000

/**
 * The durable acts, seals and opens of one rotation into one file, with nothing around them. `name`
 * keeps those side by side apart.
 */
export async function bareRotation(
  app: App,
  folder: string,
  how: { readonly revokes: boolean; readonly name?: string },
): Promise<void> {
  const { recipients, identities } = app.keys
  const path = (end: string): string => join(folder, `${how.name ?? "bare"}.${end}`)
  const value = randomText(32, app.host.random)
  const sealed = await seal(recipients, Buffer.from(value.padEnd(256)))
  for (let open = 0; open < acts.opens; open++) await unseal(identities, sealed)
  await seal(recipients, Buffer.from(value.padEnd(256)))
  const state = "x".repeat(stateBytes)
  const writes = acts.stateWrites + (how.revokes ? acts.ofRevoke.stateWrites : 0)
  const appends = acts.logAppends + (how.revokes ? acts.ofRevoke.logAppends : 0)
  for (let write = 0; write < writes; write++) await replace(folder, path("json"), state)
  for (let append = 0; append < appends; append++) {
    const log = openSync(
      path("log"),
      constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT,
      0o600,
    )
    writeSync(log, `${"y".repeat(250)}\n`)
    await slow.dataSync(log)
    closeSync(log)
  }
  await replace(folder, path("env"), `VALUE=${value}\n`)
}

async function replace(folder: string, target: string, text: string): Promise<void> {
  const file = openSync(
    `${target}.draft`,
    constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC,
    0o600,
  )
  writeSync(file, text)
  await slow.sync(file)
  closeSync(file)
  await slow.rename(`${target}.draft`, target)
  const handle = openSync(folder, constants.O_RDONLY)
  await slow.sync(handle)
  closeSync(handle)
}
