import { AppError } from "../../../base/error.ts"
import { readBackwards } from "../template.ts"
import { managedEntries } from "./present.ts"
import { fromBinary } from "./readers/reader.ts"
import type { Settings } from "./settings.ts"

type Adopted = Record<string, Record<string, string>>

/** The fields of `secrets` that the text shows now, as far as the templates tell. */
export function adoptFrom(settings: Settings, text: string, secrets: readonly string[]): Adopted {
  const adopted: Adopted = {}
  const from = new Map<string, string>()
  const entries = managedEntries(settings, text)
  for (const { name, template } of settings.variables) {
    const value = entries.get(name)?.value
    const shown = value === undefined ? undefined : readBackwards(template, decoded(settings, name, value))
    for (const [secret, fields] of Object.entries(shown ?? {})) {
      if (!secrets.includes(secret)) continue
      for (const [field, one] of Object.entries(fields)) {
        const place = `${secret}.${field}`
        const other = from.get(place)
        if (other !== undefined && adopted[secret]?.[field] !== one) throw conflict(settings, place, other, name)
        ;(adopted[secret] ??= {})[field] = one
        from.set(place, other ?? name)
      }
    }
  }
  return adopted
}

function decoded(settings: Settings, name: string, value: string): string {
  const text = fromBinary(value)
  if (text === undefined) throw new AppError("output-unreadable", `${settings.target}: the value of ${name} is not valid UTF-8`)
  return text
}

function conflict(settings: Settings, place: string, one: string, other: string): AppError {
  return new AppError("adopt-conflict", `${settings.target}: ${one} and ${other} show different values of ${place}`, { hint: "make them agree, then adopt again" })
}
