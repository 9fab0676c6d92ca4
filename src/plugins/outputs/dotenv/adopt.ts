import { AppError } from "../../../base/error.ts"
import { type Shown, inspectTemplate, readBackwards } from "../template.ts"
import { managedEntries } from "./present.ts"
import { type Entry, fromBinary } from "./readers/reader.ts"
import type { Settings } from "./settings.ts"

type Adopted = Record<string, Record<string, string>>

/** The fields of `secrets` that the text shows now, as far as the templates tell. */
export function adoptFrom(settings: Settings, text: string, secrets: readonly string[]): Adopted {
  const adopted: Adopted = {}
  const from = new Map<string, string>()
  const entries = managedEntries(settings, text)
  for (const { name, template } of settings.variables) {
    const value = entries.get(name)?.value
    for (const { secret, field, shows } of value === undefined ? [] : fieldsIn(readBackwards(template, decoded(settings, name, value)))) {
      if (!secrets.includes(secret)) continue
      const place = `${secret}.${field}`
      const other = from.get(place)
      if (other !== undefined && adopted[secret]?.[field] !== shows) throw conflict(settings, place, other, name)
      ;(adopted[secret] ??= {})[field] = shows
      from.set(place, other ?? name)
    }
  }
  refuseUntold(settings, entries, secrets, adopted)
  return adopted
}

function fieldsIn(shown: Shown | undefined): readonly { readonly secret: string; readonly field: string; readonly shows: string }[] {
  return Object.entries(shown ?? {}).flatMap(([secret, fields]) => Object.entries(fields).map(([field, shows]) => ({ secret, field, shows })))
}

/** A field that only an unclear line shows would be missed in silence. */
function refuseUntold(settings: Settings, entries: ReadonlyMap<string, Entry>, secrets: readonly string[], adopted: Adopted): void {
  for (const { name, template } of settings.variables) {
    if (!entries.has(name) || entries.get(name)?.value !== undefined) continue
    const missed = inspectTemplate(template).references.some(({ secret, field }) => secrets.includes(secret) && adopted[secret]?.[field] === undefined)
    if (missed) throw new AppError("output-unreadable", `${settings.target}: what ${settings.readerName} reads as ${name} cannot be told from the file alone`, { hint: "name the file's reader with for:, or write the value without variables" })
  }
}

function decoded(settings: Settings, name: string, value: string): string {
  const text = fromBinary(value)
  if (text === undefined) throw new AppError("output-unreadable", `${settings.target}: the value of ${name} is not valid UTF-8`)
  return text
}

function conflict(settings: Settings, place: string, one: string, other: string): AppError {
  return new AppError("adopt-conflict", `${settings.target}: ${one} and ${other} show different values of ${place}`, { hint: "make them agree, then adopt again" })
}
