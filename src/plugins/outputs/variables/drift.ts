import { AppError } from "../../../base/error.ts"
import type { Credential, IssuedVersions, Values } from "../../../core/ports.ts"
import { previousField, shownField } from "../../../core/shown-field.ts"
import { fromBinary } from "../dotenv/readers/reader.ts"
import { readBackwards } from "../liquid/backwards.ts"
import {
  type Held,
  type Rendered,
  type Showing,
  type Variable,
  placeOf,
  renderVariable,
} from "./variable.ts"

/** What stands in the way of overwriting a variable. */
export type Drift = {
  readonly name: string
  readonly message: string
  /** What stands there cannot be told, so it cannot be adopted either. */
  readonly unclear: boolean
}

/**
 * A value that no version explains may be the only copy of a credential: it is never
 * overwritten.
 */
export async function findDrift(
  showing: Showing,
  present: ReadonlyMap<string, Held>,
  rendered: Rendered,
  issued: IssuedVersions,
): Promise<Drift | undefined> {
  const ask = once(issued)
  for (const variable of showing.variables) {
    const { name } = variable
    const value = present.get(name)?.value
    if (!present.has(name) || value === "" || value === rendered.get(name)) continue
    if (value === undefined)
      return {
        name,
        unclear: true,
        message: `what ${showing.readerName} reads there cannot be told from the file alone`,
      }
    if (!(await isKnown(showing, variable, value, ask)))
      return { name, unclear: false, message: "its current value is not one Mycelium has stored" }
  }
  return undefined
}

/** `emptied`: how one takes a value away by hand. */
export function driftError(
  showing: Showing,
  { name, message, unclear }: Drift,
  emptied: string,
): AppError {
  return new AppError(
    "output-drift",
    `${placeOf(showing, name)} is not overwritten, for it may be the only copy: ${message}`,
    {
      hint:
        `${unclear ? showing.toTell : "if it is this secret's, mycelium adopt takes it over"}; ` +
        `or, if no program needs it, ${emptied} and try again`,
    },
  )
}

/** Opening versions costs: each secret's are asked for once, and only if need be. */
function once(issued: IssuedVersions): IssuedVersions {
  const asked = new Map<string, ReturnType<IssuedVersions>>()
  return (secret, which) => {
    const key = `${which} ${secret}`
    const versions = asked.get(key) ?? issued(secret, which)
    asked.set(key, versions)
    return versions
  }
}

async function isKnown(
  showing: Showing,
  variable: Variable,
  present: string,
  issued: IssuedVersions,
): Promise<boolean> {
  const isAmong = async (which: "recent" | "all"): Promise<boolean> =>
    isOneOf(showing, variable, present, await versionsOf(variable, issued, which))
  return (await isAmong("recent")) || isAmong("all")
}

function versionsOf(
  { secrets }: Variable,
  issued: IssuedVersions,
  which: "recent" | "all",
): Promise<Versions> {
  return Promise.all(
    secrets.map(async (secret) => ({ secret, credentials: await issued(secret, which) })),
  )
}

function isOneOf(
  showing: Showing,
  variable: Variable,
  present: string,
  versions: Versions,
): boolean {
  if (holdsKnown(variable, present, versions)) return true
  return combinations(versions).some((values) => rendersTo(showing, variable, values, present))
}

type Versions = readonly { readonly secret: string; readonly credentials: readonly Credential[] }[]

/**
 * Read backwards, every secret shows the fields of one of its versions: true also where the same
 * value is only encoded otherwise.
 */
function holdsKnown(variable: Variable, present: string, versions: Versions): boolean {
  const text = fromBinary(present)
  const shown = text === undefined ? undefined : readBackwards(variable.template, text)
  if (shown === undefined) return false
  return versions.every(({ secret, credentials }) => {
    const fields = Object.entries(shown[secret] ?? {})
    const own = fields.filter(([field]) => previousField(field) === undefined)
    // The one before is any version: which lived beside which is not asked.
    const before = fields.flatMap(([field, value]) =>
      previousField(field) === undefined ? [] : [[previousField(field) ?? "", value] as const],
    )
    return [own, before].every((some) =>
      credentials.some((credential) =>
        some.every(([field, value]) => revealed(credential, field) === value),
      ),
    )
  })
}

function revealed(credential: Credential, field: string): string | undefined {
  const value = shownField(credential.fields, field)
  return value === undefined || typeof value === "string" ? value : value.reveal()
}

/** A version without a field that the template names is no rendering of it. */
function rendersTo(showing: Showing, variable: Variable, values: Values, present: string): boolean {
  try {
    return renderVariable(showing, variable, values) === present
  } catch (error) {
    if (error instanceof AppError) return false
    throw error
  }
}

/**
 * With 10 kept versions of each of three secrets all are tried; beyond, the value counts as
 * unknown, which overwrites nothing.
 */
const mostCombinations = 2000

/** One version of each secret, every way. */
function combinations(versions: Versions): readonly Values[] {
  let all: Values[] = [{}]
  for (const { secret, credentials } of versions) {
    if (all.length * credentials.length > mostCombinations) return []
    all = all.flatMap((values) =>
      credentials.map((credential) => ({ ...values, [secret]: credential })),
    )
  }
  return all
}
