import { basename, dirname, join } from "node:path"
import { durableFolder } from "../base/files/durable-folder.ts"
import { durableWrite } from "../base/files/durable-write.ts"
import { readRegular } from "../base/files/read-regular.ts"
import { AppError } from "../base/error.ts"
import type { Host } from "../base/system/host.ts"
import { readRealFile } from "../base/files/real-file.ts"
import { fileOf, placeOf, variableOf } from "../plugins/references/index.ts"
import type { Config } from "../config/model.ts"
import { identitiesIn, newIdentity } from "../core/seal.ts"
import { storeHasSealed } from "../record/store-has-sealed.ts"
import { demandOpens } from "../record/keys.ts"
import { identityLines, successorLines } from "./identity-lines.ts"
import { defaultIdentityPath, isBrought, lost } from "./identity-path.ts"
import { refuseForeignFile, refuseForeignPlace } from "./identity-owner.ts"

/** `left`: it is not there and cannot be made from here; a person, or a program, brings it. */
export type Made = {
  readonly path: string
  readonly made: boolean
  readonly about: string
  readonly left?: true
  /** It is to take the place of another one, which it holds as retired. */
  readonly follows?: true
}

/**
 * Makes what is missing, keeps what exists, asks nothing: an identity, and a config that can be run
 * as it is. Beside a store that an identity has sealed already, it makes a new one only if that one
 * is here, and keeps it below the new one.
 */
export async function init(host: Host, options: InitOptions): Promise<readonly Made[]> {
  const { configPath, folder, store, identity } = options
  const usual = defaultIdentityPath(host)
  const path = identity.path ?? usual
  return [
    await (identity.comes === undefined
      ? makeIdentity(path, options, host)
      : lookFor(identity, store)),
    await makeConfig(configPath, folder, path === usual ? undefined : path),
  ]
}

type InitOptions = {
  readonly folder: string
  readonly store: string
  readonly configPath: string
  readonly identity: IdentityPlace
  /** The identities of now, from where the config takes them; throws if there is none. */
  readonly current: () => Promise<readonly string[]>
}
/**
 * `path` left out: the usual place. `comes`: what brings the identity there, or gives it in another
 * way; Mycelium does not make it then.
 */
export type IdentityPlace = {
  readonly path?: string
  readonly comes?: string
  readonly isThere?: boolean
}

/** Where the config takes the identity from. */
export function identityPlace(
  { identity, folder }: Pick<Config, "identity" | "folder">,
  host: Host,
): IdentityPlace {
  if (identity === undefined) return {}
  const variable = variableOf(identity)
  const path = fileOf(identity, folder)
  if (path === undefined)
    return {
      comes: placeOf(identity, folder),
      isThere: variable === undefined || host.env(variable) !== undefined,
    }
  return isBrought(path) ? { path, comes: path } : { path }
}

async function lookFor(
  { path, comes = "", isThere = false }: IdentityPlace,
  store: string,
): Promise<Made> {
  const found = path === undefined ? undefined : await readRealFile(path, largest)
  if (path !== undefined && found !== undefined)
    await refuseWrong(path, Buffer.from(found.bytes).toString(), store)
  if (found !== undefined || isThere) return { path: comes, made: false, about }
  if (storeHasSealed(store)) throw lost(comes, store)
  return {
    path: comes,
    made: false,
    about: "the config takes the identity from there, and it is not there now",
    left: true,
  }
}

const about = "this machine's identity: opens every sealed value; keep a copy offline"
const largest = 64 * 1024

async function makeIdentity(
  path: string,
  { store, current }: Pick<InitOptions, "store" | "current">,
  host: Host,
): Promise<Made> {
  // In the usual place a link is not followed: an identity is never mounted there.
  const found = await (path === defaultIdentityPath(host) ? readRegular : readRealFile)(
    path,
    largest,
  )
  if (found !== undefined) {
    await refuseForeignFile(path, store)
    await refuseWrong(path, Buffer.from(found.bytes).toString(), store)
    return { path, made: false, about }
  }
  const before = storeHasSealed(store) ? await thoseOf(store, current, path) : undefined
  await refuseForeignPlace(path, { toMake: true })
  await durableFolder(dirname(path))
  await refuseForeignPlace(path)
  const [fresh, now] = [await newIdentity(), host.now()]
  if (before === undefined) {
    await durableWrite(path, await identityLines(fresh, now))
    return { path, made: true, about }
  }
  await durableWrite(path, await successorLines(fresh, { before, now }))
  return { path, made: true, about: aboutSuccessor, follows: true }
}

/** The identities that open this store; without one a new identity would open nothing. */
async function thoseOf(
  store: string,
  current: InitOptions["current"],
  path: string,
): Promise<readonly string[]> {
  const identities = await current()
  if (identities.length === 0) throw lost(path, store)
  await demandOpens(store, identities)
  return identities
}

const aboutSuccessor =
  "a new identity, and below it the one of now as retired: that one opens what is not sealed anew yet"

/** An identity that opens the store's keys was there when the store began, or was sealed to since. */
async function refuseWrong(path: string, text: string, store: string): Promise<void> {
  await demandOpens(store, identitiesIn(text)).catch((error: unknown) => {
    if (!(error instanceof AppError) || error.code !== "seal-broken") throw error
    throw new AppError(
      "seal-broken",
      `the identity at ${path} does not open what lies in ${store}`,
      {
        hint:
          "put back the one that it was sealed to, from your offline backup, " +
          "or name it with identity in the config (if that is lost for good: " +
          "mycelium explain identity-missing)",
      },
    )
  })
}

async function makeConfig(
  path: string,
  folder: string,
  identity: string | undefined,
): Promise<Made> {
  const about = "the config: say what to rotate"
  if ((await readRegular(path)) !== undefined) return { path, made: false, about }
  const env = await readRegular(join(folder, ".env")).catch(() => undefined)
  await durableWrite(
    path,
    starter(
      projectName(folder),
      env === undefined ? [] : keysOf(Buffer.from(env.bytes).toString()),
      identity,
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

/** Shows the two ways that most people need; the active lines work anywhere, without a service. */
function starter(project: string, keys: readonly string[], identity: string | undefined): string {
  const likely = keys.find((key) => /PASS|PGPASSWORD/i.test(key)) ?? "POSTGRES_PASSWORD"
  return `# What mycelium rotates. "mycelium rotate-now production --dry-run" says what would happen.
project: ${project}
schedule: "0 3 * * *"            # nightly at 3: each secret is rotated on the last night before it turns 90 days old
${identity === undefined ? "" : `identity: { file: ${JSON.stringify(identity)} }\n`}environments:
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
