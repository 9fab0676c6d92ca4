import { lstatSync, readFileSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { randomText } from "../../../../src/base/text/random-text.ts"
import type { Credential, IssuedVersions, Output, Values } from "../../../../src/core/ports.ts"
import { Secret } from "../../../../src/core/secret.ts"
import { randomBytes } from "node:crypto"

/**
 * One kind of output, as the suite needs it: it shows `db.user`, `db.password` and `key.password`
 * below one folder.
 */
export interface Kind {
  /** As a new process opens it; `more`: options of every output. */
  open(folder: string, more?: Readonly<Record<string, unknown>>): Output
  /** The files that it writes, relative to the folder. */
  readonly files: readonly string[]
  /** By another reader than its own, from the files. */
  reads(folder: string): Shows
  /** Where people have written these values there themselves, or another program has, in its own way. */
  byHand(folder: string, shows: Shows): void
  /** Something else that lies there and must not be lost; undefined where others' content stays anyway. */
  readonly foreign?: (folder: string) => void
  /** Its template cannot be read backwards. */
  readonly oneWay?: boolean
  /** What is left when db is removed and key is not; "nothing" where one text shows both. */
  readonly withoutDb: "key" | "nothing"
  /** Its file is shared with others, who may name it: it stays when none of our values is left in it. */
  readonly merged?: boolean
  /** It writes into the file that is there. */
  readonly inPlace?: boolean
}
export type Shows = { readonly user: string; readonly password: string; readonly key: string }

/** As it generates them, marked so that they are found wherever they turn up. */
export function fresh(user = "shop"): Shows {
  return {
    user,
    password: `Marked${randomText(24, random)}`,
    key: `Marked${randomText(24, random)}`,
  }
}
function random(size: number): Uint8Array {
  return randomBytes(size)
}

export function valuesOf(shows: Shows, version = "v2"): Values {
  return {
    db: credential(version, {
      user: shows.user,
      password: new Secret("db/password", shows.password),
    }),
    key: credential(version, { password: new Secret("key/password", shows.key) }),
  }
}
function credential(version: string, fields: Credential["fields"]): Credential {
  return { version, fields }
}

/** These versions exist, the youngest first. */
export function knownOf(...versions: readonly Shows[]): IssuedVersions {
  return async (secret) =>
    versions.flatMap((shows, index) => valuesOf(shows, `v${index}`)[secret] ?? [])
}

export const never: AbortSignal = new AbortController().signal

export async function deliver(
  output: Output,
  shows: Shows,
  ...issued: readonly Shows[]
): Promise<void> {
  const draft = await output.prepare(valuesOf(shows), knownOf(shows, ...issued), never)
  await draft.commit()
}

/** Everything below the folder: kind, mode, owner, bytes. */
export function snapshot(folder: string): Readonly<Record<string, string>> {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()
  return Object.fromEntries(
    names.map((name) => {
      const stats = lstatSync(join(folder, name))
      return [
        name,
        `${stats.mode.toString(8)} ${stats.uid}:${stats.gid} ` +
          `${stats.isFile() ? readFileSync(join(folder, name), "latin1") : ""}`,
      ]
    }),
  )
}
/** The bytes alone. */
export function contents(folder: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(snapshot(folder)).map(([name, message]) => [
      name,
      message.split(" ").slice(2).join(" "),
    ]),
  )
}
