import { basename, dirname, join } from "node:path"
import { durableFolder, durableWrite, readRegular } from "../base/durable-write.ts"
import { AppError } from "../base/error.ts"
import type { Host } from "../base/host.ts"
import { identitiesIn, newIdentity, recipientOf } from "../core/seal.ts"
import { holdsSealed } from "../record/holds.ts"
import { demandOpens } from "../record/vault.ts"
import { defaultIdentityPath, lost } from "./identity.ts"

export type Made = { readonly path: string; readonly made: boolean; readonly about: string }

/** Makes what is missing, keeps what exists, asks nothing: an identity, and a config that can be run as it is. Refuses an identity beside a store that another one has sealed. */
export async function init(
  host: Host,
  { configPath, ...how }: How & { readonly configPath: string },
): Promise<readonly Made[]> {
  const config = (): Promise<Made> => makeConfig(configPath, how.folder)
  return how.elsewhere
    ? [await config()]
    : [await makeIdentity(defaultIdentityPath(host), how.store, host), await config()]
}

/** `elsewhere`: the config names an identity, so none is needed in the usual place. */
type How = { readonly folder: string; readonly store: string; readonly elsewhere: boolean }

async function makeIdentity(path: string, store: string, host: Host): Promise<Made> {
  const about = "this machine's identity: opens every sealed value; keep a copy offline"
  const found = await readRegular(path, 64 * 1024)
  if (found !== undefined) {
    await refuseWrong(path, Buffer.from(found.bytes).toString(), store)
    return { path, made: false, about }
  }
  if (holdsSealed(store)) throw lost(path, store)
  await durableFolder(dirname(path))
  await durableWrite(path, await identityLines(await newIdentity(), host.now()))
  return { path, made: true, about }
}

/** By the keys of the store: what opens them was there when it began, or was sealed to since. */
async function refuseWrong(path: string, text: string, store: string): Promise<void> {
  await demandOpens(store, identitiesIn(text)).catch((error: unknown) => {
    if (!(error instanceof AppError) || error.code !== "seal-broken") throw error
    throw new AppError(
      "seal-broken",
      `the identity at ${path} does not open what lies in ${store}`,
      {
        hint: "put back the one that it was sealed to, from your offline backup, or name it with identity in the config (if that is lost for good: mycelium explain identity-missing)",
      },
    )
  })
}

/** As the age command writes it. */
export async function identityLines(identity: string, now: Date): Promise<string> {
  return `# made by mycelium, ${now.toISOString()}\n# public key: ${await recipientOf(identity)}\n${identity}\n`
}

async function makeConfig(path: string, folder: string): Promise<Made> {
  const about = "the config: say what to rotate"
  if ((await readRegular(path)) !== undefined) return { path, made: false, about }
  const env = await readRegular(join(folder, ".env")).catch(() => undefined)
  await durableWrite(
    path,
    starter(
      projectName(folder),
      env === undefined ? [] : keysOf(Buffer.from(env.bytes).toString()),
    ),
    { mode: 0o600 },
  )
  return { path, made: true, about }
}

function projectName(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, "-")
    .replace(/^[-_]+/, "")
    .slice(0, 63)
  return name === "" ? "project" : name
}

/** Names of variables only: no value is read. */
function keysOf(text: string): readonly string[] {
  return [...text.matchAll(/^(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=/gm)].flatMap(
    (match) => match[1] ?? [],
  )
}

/** Shows the two ways that most people need; what is active works anywhere and touches no service. */
function starter(project: string, keys: readonly string[]): string {
  const likely = keys.find((key) => /PASS|PGPASSWORD/i.test(key)) ?? "POSTGRES_PASSWORD"
  return `# What mycelium keeps young. "mycelium rotate-now production --dry-run" says what would happen.
project: ${project}
schedule: "0 3 * * *"            # nightly at 3: a secret changes in the last night before it is 90 days old
environments:
  production:
    rotate_every: 90d
    secrets:
      session_key: generated     # a value that no service asks for
      # postgres: { address: "postgresql://127.0.0.1:5432/app", role: app }    # the role changes its own password
    outputs:
      - dotenv: mycelium.env     # to manage lines of an existing file: its name, and merge: true
        variables:
          SESSION_KEY: "{{ session_key.password }}"
          # ${likely}: "{{ postgres.password }}"
    # deployments:
    #   api: { compose: api, healthy: { http: "http://127.0.0.1:8080/healthz" } }
`
}
