import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { randomText } from "../../src/base/text/random-text.ts"
import { newIdentity, recipientOf } from "../../src/core/seal.ts"
import { Secret } from "../../src/core/secret.ts"
import type { SecretState } from "../../src/core/state.ts"
import { blankState, makeStateFolder, statePath, stateText } from "../../src/record/state-file.ts"
import { AgeVault } from "../../src/record/vault.ts"
import { openKeys } from "../../src/record/keys.ts"

export type Many = {
  readonly folder: string
  readonly config: string
  /** Of the state files, in this order. */
  readonly states: readonly string[]
  /** One for all, or with `different` one each. */
  readonly values: readonly string[]
  /** For the binary: its identity, its config, and nothing else of ours. */
  readonly env: Readonly<Record<string, string>>
} & AsyncDisposable

/** `shown`: each environment has a `.env` that shows its secrets. */
export type How = { readonly different?: boolean; readonly shown?: boolean }

/**
 * A project of many environments that all have a value, as rotations leave them; `each` secrets in
 * each, none due for weeks.
 */
export async function manyEnvironments(count: number, each = 1, how: How = {}): Promise<Many> {
  const folder = await mkdtemp(join(tmpdir(), "mycelium-bench-"))
  await chmod(folder, 0o700)
  const secrets = Array.from({ length: each }, (_, index) => `s${index}`)
  const names = Array.from({ length: count }, (_, index) => `e${index}`)
  const written = `{ ${secrets.map((name) => `${name}: generated`).join(", ")} }`
  // Some lines of a file: no state need know them.
  const outputs = (name: string): string =>
    how.shown === true
      ? `, outputs: [{ dotenv: ${name}.env, merge: true, variables: ` +
        `{ ${secrets.map((secret) => `${secret.toUpperCase()}: "{{ ${secret}.password }}"`).join(", ")} ` +
        "} }]"
      : ""
  const config = join(folder, "mycelium.yaml")
  await writeFile(
    config,
    "project: bench\n" +
      "store: ./store\n" +
      `schedule: "0 3 * * *"\n` +
      "rotate_every: 90d\n" +
      "environments:\n" +
      `${names.map((name) => `  ${name}: { secrets: ${written}${outputs(name)} }\n`).join("")}`,
    { mode: 0o600 },
  )
  const store = join(folder, "store")
  await mkdir(join(folder, "config", "mycelium"), { recursive: true, mode: 0o700 })
  await mkdir(store, { mode: 0o700 })
  const identity = await newIdentity()
  await writeFile(join(folder, "config", "mycelium", "identity.txt"), `${identity}\n`, {
    mode: 0o600,
  })
  const keys = await openKeys(
    store,
    { identities: [identity], recipients: [await recipientOf(identity)] },
    { make: true },
  )
  await makeStateFolder({ store, project: "bench" })
  const values: string[] = []
  const madeAt = new Date().toISOString()
  const make = async (environment: string, secret: string): Promise<SecretState> => {
    const value = randomText(32, (bytes) => crypto.getRandomValues(new Uint8Array(bytes)))
    values.push(value)
    const sealed = await new AgeVault(keys, { project: "bench", environment }).seal(secret, {
      version: "v1",
      fields: { password: new Secret("bench", value) },
    })
    return {
      driver: "generated",
      rotatedAt: madeAt,
      versions: [{ id: "v1", madeAt, stage: { kind: "current" }, ...sealed }],
    }
  }
  const one = how.different === true ? undefined : await make("e0", "s0")
  const states: string[] = []
  for (const environment of names) {
    const place = { store, project: "bench", environment }
    const theirs: Record<string, SecretState> = {}
    for (const name of secrets) theirs[name] = one ?? (await make(environment, name))
    if (how.shown === true)
      writeFileSync(
        join(folder, `${environment}.env`),
        secrets
          .map(
            (name, index) =>
              `${name.toUpperCase()}=${values[one === undefined ? states.length * each + index : 0]}\n`,
          )
          .join(""),
        { mode: 0o600 },
      )
    const document = { ...blankState(place, environment), serial: 3, secrets: theirs }
    states.push(statePath(place))
    // Not synced: nothing of this must survive.
    writeFileSync(statePath(place), stateText(document, keys.mac), { mode: 0o600 })
  }
  return {
    folder,
    config,
    states,
    values,
    env: {
      XDG_CONFIG_HOME: join(folder, "config"),
      MYCELIUM_CONFIG: config,
      PATH: "/usr/bin:/bin",
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  }
}
