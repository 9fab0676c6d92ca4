import { AppError } from "../base/error.ts"
import type { Fields, Versions } from "../core/ports.ts"
import { Secret } from "../core/secret.ts"
import { isWeak } from "../core/weak.ts"
import { driverOf } from "../rotate/ask.ts"
import type { Session } from "../rotate/session.ts"

/** A value that could be adopted, as a version of its driver's shape. */

export type Adopted =
  /**
   * `madeAt`: when it was made, if a person has said so. `ours`: Mycelium has made it, and knows when.
   * `listens`: who listens at its addresses of this machine. `ended`: the rotation that it has ended,
   * and what followed. `uncontained`: the incident that stays open: a login that works does not end
   * an intruder's session. `takenAway`: the version whose value, this one, a containment took away.
   * `differ`, `restart`: outputs that show another value, programs that may hold one. `follow`: what
   * has still to follow, if it took the place of another value.
   */
  | {
      readonly kind: "adopted"
      readonly version: string
      /** No new one: the state held this value already. */
      readonly stored?: true
      readonly proof: string
      readonly weak: boolean
      readonly madeAt?: string
      readonly listens?: readonly string[]
      readonly differ?: readonly string[]
      readonly restart?: readonly string[]
      readonly ended?: {
        readonly outputs: readonly string[]
        readonly restarts: readonly string[]
        readonly unhealthy?: string
      }
      readonly follow?: Follow
      readonly uncontained?: string
      readonly takenAway?: string
    }
  | {
      readonly kind: "known"
      readonly version: string
      readonly madeAt?: string
      readonly ours?: true
      readonly listens?: readonly string[]
      readonly uncontained?: string
      readonly takenAway?: string
    }
  | {
      readonly kind: "refused"
      readonly code: string
      readonly message: string
      readonly hint?: string
    }

/**
 * Adopt changes no file and restarts nothing: files that are not up to date, and programs that may
 * hold the value before.
 */
export type Follow = { readonly outputs: readonly string[]; readonly restarts: readonly string[] }

/**
 * What one run of adopt takes over: the fields of a secret, and when its value was made, as far as
 * a person says. `askedFor`: on the command line, for all. `isGiven`: the value comes from a
 * person, not from an output.
 */
export type Asked = {
  readonly isGiven: (name: string) => boolean
  readonly found: (name: string) => Promise<Readonly<Record<string, Secret>>>
  readonly madeAt: (name: string) => string | undefined
  readonly askedFor: boolean
}

/** By secret and field: values from elsewhere than the outputs, which they come before. */
export type SuppliedValues = Readonly<Record<string, Readonly<Record<string, Secret>>>>

/** The version that holds these values already. */
export async function knownAs(
  session: Session,
  name: string,
  fields: Fields,
): Promise<string | undefined> {
  for (const { id } of session.state(name).versions)
    if (same((await session.open(name, id)).fields, fields)) return id
  return undefined
}

export function wrapped(
  session: Session,
  name: string,
  shown: Readonly<Record<string, string>>,
): Readonly<Record<string, Secret>> {
  return Object.fromEntries(
    Object.entries(shown).map(([field, value]) => [
      field,
      new Secret(`${session.work.environment}/${name}`, value),
    ]),
  )
}

/** The shape of a version is its driver's; the values are those that stand in the files. */
export function fieldsOf(
  session: Session,
  name: string,
  shown: Readonly<Record<string, Secret>>,
  like: Versions = { uncertain: [] },
): Fields {
  const { text } = session.work
  const fields: Record<string, string | Secret> = {}
  for (const [field, value] of Object.entries(driverOf(session, name).generate(like, text))) {
    const found = shown[field]
    if (typeof value === "string") {
      if (found !== undefined && !found.equals(new Secret("config", value)))
        throw new AppError(
          "adopt-other-login",
          `the outputs show another ${field} than the config names`,
          { hint: `correct ${field} (or role) in the config, or in the output` },
        )
      fields[field] = value
    } else if (found !== undefined && !found.equals(new Secret("none", ""))) fields[field] = found
  }
  if (fields["password"] === undefined) throw nothingShown("no output shows a value of it yet")
  return fields
}

export function nothingShown(message: string): AppError {
  return new AppError("adopt-nothing", message, {
    hint:
      "write it into the output by hand first, name a file with --from, " +
      "or make a first one with rotate-now --new",
  })
}

export function same(one: Fields, other: Fields): boolean {
  const [value, otherValue] = [one["password"], other["password"]]
  return (
    one["user"] === other["user"] &&
    value instanceof Secret &&
    otherValue instanceof Secret &&
    value.equals(otherValue)
  )
}

export function isWeakIn(fields: Fields): boolean {
  return Object.values(fields).some((value) => value instanceof Secret && isWeak(value.reveal()))
}
