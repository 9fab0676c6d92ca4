import type { Finding } from "../../../core/ports.ts"
import { problem } from "../server/findings.ts"
import { attributes, type PairSeen, type RoleSeen, type Setting } from "./pair-catalog.ts"
import { quoteName, quoteText } from "./quote.ts"

/**
 * Whatever is different between the two roles changes with every rotation. The SQL makes `other`
 * like `model`, which works today.
 */

export function differences(
  model: RoleSeen,
  other: RoleSeen,
  { settings }: PairSeen,
  becoming: boolean,
): readonly Finding[] {
  return [
    ...attributeDifferences(model, other),
    ...settingDifferences(
      model.name ?? "",
      other.name ?? "",
      becoming ? settings : settings.filter(({ name }) => name !== "role"),
    ),
  ]
}

function attributeDifferences(model: RoleSeen, other: RoleSeen): readonly Finding[] {
  const changes: { message: string; clause: string }[] = []
  for (const name of attributes) {
    const word = name.toUpperCase()
    if (model[name] !== other[name])
      changes.push({ message: word, clause: model[name] === "t" ? word : `NO${word}` })
  }
  if (model.limit !== other.limit)
    changes.push({ message: "CONNECTION LIMIT", clause: `CONNECTION LIMIT ${model.limit}` })
  if (model.until !== other.until)
    changes.push({
      message: "VALID UNTIL",
      clause: `VALID UNTIL ${quoteText(model.until ?? "infinity")}`,
    })
  if (changes.length === 0) return []
  const remedy = `ALTER ROLE ${quoteName(other.name ?? "")} ${changes.map(({ clause }) => clause).join(" ")}`
  return [
    problem(
      "pair-attributes-differ",
      `roles ${model.name} and ${other.name} differ in ${changes.map(({ message }) => message).join(", ")}`,
      remedy,
    ),
  ]
}

function settingDifferences(
  model: string,
  other: string,
  settings: readonly Setting[],
): readonly Finding[] {
  const [wanted, has] = [keyed(model, settings), keyed(other, settings)]
  const changes = [
    ...[...wanted]
      .filter(([key, { value }]) => has.get(key)?.value !== value)
      .map(([, setting]) => ({
        setting,
        clause: `SET ${sayName(setting.name)} = ${sayValue(setting)}`,
      })),
    ...[...has]
      .filter(([key]) => !wanted.has(key))
      .map(([, setting]) => ({ setting, clause: `RESET ${sayName(setting.name)}` })),
  ]
  if (changes.length === 0) return []
  const remedy = changes
    .map(
      ({ setting: { database }, clause }) =>
        `ALTER ROLE ${quoteName(other)} ` +
        `${database === "" ? "" : `IN DATABASE ${quoteName(database)} `}${clause}`,
    )
    .join("; ")
  const names = [...new Set(changes.map(({ setting }) => setting.name))]
  return [
    problem(
      "pair-settings-differ",
      `roles ${model} and ${other} differ in settings: ${names.join(", ")}`,
      remedy,
    ),
  ]
}

function keyed(role: string, settings: readonly Setting[]): ReadonlyMap<string, Setting> {
  return new Map(
    settings
      .filter((one) => one.role === role)
      .map((one) => [JSON.stringify([one.database, one.name]), one]),
  )
}

function sayName(name: string): string {
  return /^[A-Za-z_][\w.]*$/.test(name) ? name : name.split(".").map(quoteName).join(".")
}

/**
 * These are kept as lists that are quoted already (pg_dump's variable_is_guc_list_quote): quoted
 * again they would be one name.
 */
const lists = new Set([
  "search_path",
  "temp_tablespaces",
  "local_preload_libraries",
  "session_preload_libraries",
])
const list = /^("[^"]+"|[\w$]+)(, *("[^"]+"|[\w$]+))*$/

/**
 * Settings of the server's own are no secrets; one with a dot in its name is an application's, and
 * may hold anything. So may a list (`ALTER ROLE … SET search_path FROM CURRENT` keeps any text
 * without blanks): a role, which sets its own, must not put SQL into what an admin pastes, nor
 * signs that their terminal obeys.
 */
function sayValue({ role, name, value }: Setting): string {
  if (name.includes(".") || /[\p{Cc}\p{Bidi_Control}]/u.test(value))
    return `(its value for ${role})`
  if (!lists.has(name.toLowerCase()) || value === "" || value.includes('""'))
    return quoteText(value)
  return list.test(value) ? value : `(its value for ${role})`
}
