import { shownName } from "../base/text/shown-name.ts"
import type { StateDocument } from "./state.ts"

/**
 * What the config no longer has, and a file still shows: a variable that was taken out, or a copy
 * that a person has made. Its value is one of Mycelium's, so it dies with a rotation, which does not
 * replace it there.
 */
export type LeftVariable = {
  readonly name: string
  readonly secret: string
  readonly version: string
  /** The whole of what stands there is that value: nothing else is lost with it. */
  readonly whole: boolean
}

/** By fingerprint: every version in the state. Made once for all files: there may be many of both. */
export type Versions = ReadonlyMap<string, { readonly secret: string; readonly version: string }>

/** `names`: of these secrets; of all, if left out. */
export function versionsIn(
  { secrets }: Pick<StateDocument, "secrets">,
  names: readonly string[] = Object.keys(secrets),
): Versions {
  const known = new Map<string, { readonly secret: string; readonly version: string }>()
  for (const secret of names) {
    for (const { id, fingerprints } of secrets[secret]?.versions ?? []) {
      const print = fingerprints["password"]
      if (print !== undefined) known.set(print, { secret, version: id })
    }
  }
  return known
}

export function leftIn(
  known: Versions,
  others: Readonly<Record<string, string>>,
  fingerprint: (value: string) => string,
): readonly LeftVariable[] {
  if (known.size === 0) return []
  return Object.entries(others).flatMap(([name, value]) => {
    for (const [index, candidate] of candidates(value).entries()) {
      const found = known.get(fingerprint(candidate))
      if (found !== undefined) return [{ name, ...found, whole: index === 0 }]
    }
    return []
  })
}

/** A shorter one (8080, changeme) may stand somewhere by chance. */
const shortest = 12

/** The text itself, and the password of the address that it may be. */
function candidates(value: string): readonly string[] {
  if (value.length < shortest) return []
  const [, password] = /^[a-z][a-z0-9+.-]*:\/\/[^:/@]*:([^@/]*)@/i.exec(value) ?? []
  if (password === undefined || password.length < shortest) return [value]
  try {
    return [value, decodeURIComponent(password)]
  } catch {
    return [value]
  }
}

export function sayLeft(
  target: string,
  environment: string,
  { name, secret, version, whole }: LeftVariable,
): string {
  return (
    `${target}: ${shownName(name)} is not in the config and shows ${version} of ` +
    `${environment}/${secret}${whole ? "" : " within it"}: no rotation replaces it there, ` +
    "and it is refused once that value is dead"
  )
}
