import { AppError } from "../../../base/error.ts"
import { fromBinary } from "../dotenv/readers/reader.ts"
import { inspectTemplate } from "../liquid.ts"
import { type Shown, readBackwards } from "../liquid/backwards.ts"
import { type Held, type Showing, placeOf } from "./variable.ts"

type Adopted = Record<string, Record<string, string>>

/** The fields of `secrets` that the variables show now, as far as their templates tell. */
export function adoptFrom(
  showing: Showing,
  entries: ReadonlyMap<string, Held>,
  secrets: readonly string[],
): Adopted {
  const adopted: Adopted = {}
  const from = new Map<string, string>()
  for (const { name, template } of showing.variables) {
    const value = entries.get(name)?.value
    for (const { secret, field, shows } of value === undefined
      ? []
      : fieldsIn(readBackwards(template, decoded(showing, name, value)))) {
      if (!secrets.includes(secret)) continue
      const place = `${secret}.${field}`
      const other = from.get(place)
      if (other !== undefined && adopted[secret]?.[field] !== shows)
        throw conflict(showing, place, other, name)
      ;(adopted[secret] ??= {})[field] = shows
      from.set(place, other ?? name)
    }
  }
  refuseUntold(showing, entries, secrets, adopted)
  return adopted
}

function fieldsIn(
  shown: Shown | undefined,
): readonly { readonly secret: string; readonly field: string; readonly shows: string }[] {
  return Object.entries(shown ?? {}).flatMap(([secret, fields]) =>
    Object.entries(fields).map(([field, shows]) => ({ secret, field, shows })),
  )
}

/** A field that only an unclear line shows would be missed in silence. */
function refuseUntold(
  showing: Showing,
  entries: ReadonlyMap<string, Held>,
  secrets: readonly string[],
  adopted: Adopted,
): void {
  for (const { name, template } of showing.variables) {
    if (!entries.has(name) || entries.get(name)?.value !== undefined) continue
    const missed = inspectTemplate(template).references.some(
      ({ secret, field }) => secrets.includes(secret) && adopted[secret]?.[field] === undefined,
    )
    if (missed)
      throw new AppError(
        "output-unreadable",
        `${placeOf(showing, name)}: what ${showing.readerName} reads there cannot be told ` +
          "from the file alone",
        { hint: showing.toTell },
      )
  }
}

function decoded(showing: Showing, name: string, value: string): string {
  const text = fromBinary(value)
  if (text === undefined)
    throw new AppError(
      "output-unreadable",
      `${placeOf(showing, name)}: its value is not valid UTF-8`,
    )
  return text
}

function conflict(showing: Showing, place: string, one: string, other: string): AppError {
  return new AppError(
    "adopt-conflict",
    `${showing.target}: ${one} and ${other} show different values of ${place}`,
    { hint: "make them agree, then adopt again" },
  )
}
