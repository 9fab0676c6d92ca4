import { readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type {
  Credential,
  Draft,
  IssuedVersions,
  Output,
  Values,
} from "../../../../src/core/ports.ts"
import { Secret } from "../../../../src/core/secret.ts"
import { dotenv } from "../../../../src/plugins/outputs/dotenv/index.ts"

/** One `.env` file in a folder, opened from a config's words. */
export function opened(folder: string, options: Readonly<Record<string, unknown>>): Output {
  const parsed = dotenv.options.parse({
    dotenv: ".env",
    variables: { PASSWORD: "{{ db.password }}" },
    ...options,
  })
  return dotenv.open(parsed, { folder, label: "production" })
}

export function credential(version: string, fields: Readonly<Record<string, string>>): Credential {
  const { user, ...rest } = fields
  const secrets = Object.entries(rest).map(([field, value]) => [
    field,
    new Secret(`production/${field}`, value),
  ])
  return {
    version,
    fields: { ...Object.fromEntries(secrets), ...(user === undefined ? {} : { user }) },
  }
}

/** `db` with this password. */
export function db(password: string, version = "v2"): Values {
  return { db: credential(version, { user: "shop", password }) }
}

/** What is known besides: passwords of `db`. */
export function issued(...passwords: readonly string[]): IssuedVersions {
  return async () =>
    passwords.map((password, index) => credential(`v${index}`, { user: "shop", password }))
}

export const never: AbortSignal = new AbortController().signal

export function put(folder: string, text: string | Uint8Array, mode = 0o600): string {
  const path = join(folder, ".env")
  writeFileSync(path, text, { mode })
  return path
}

export function text(folder: string): string {
  return readFileSync(join(folder, ".env"), "latin1")
}

export function modeOf(folder: string): string {
  return (statSync(join(folder, ".env")).mode & 0o7777).toString(8)
}

export async function deliver(
  output: Output,
  values: Values,
  from: IssuedVersions = issued(),
): Promise<Draft> {
  const draft = await output.prepare(values, from, never)
  await draft.commit()
  return draft
}
