import { AppError } from "../../../base/error.ts"
import { fromBinary, toBinary } from "../dotenv/readers/reader.ts"
import { quoted } from "../tree/names.ts"
import type { Held, Rendered } from "../variables/variable.ts"

/**
 * The content of an entry: a JSON object of which some keys are ours. Text is spliced, never parsed
 * and written anew, which would spoil what is not ours: numbers, keys that stand twice.
 */

type Member = {
  readonly key: string
  /** Where its value stands; `from`: where its key does. */
  readonly from: number
  readonly start: number
  readonly end: number
}
export type Contents = {
  /** "" where the entry holds nothing. */
  readonly text: string
  readonly members: readonly Member[]
}

/** `place` names the entry in errors, which quote nothing of it. */
export function contentsOf(bytes: Uint8Array | undefined, place: string): Contents {
  const binary = bytes === undefined ? "" : Buffer.from(bytes).toString("latin1")
  const text = fromBinary(binary)
  if (text === undefined) throw unreadable(place, "it is not valid UTF-8")
  if (text.trim() === "") return { text: "", members: [] }
  let top: unknown
  try {
    top = JSON.parse(text)
  } catch {
    throw unreadable(place, "it is not valid JSON")
  }
  if (typeof top !== "object" || top === null || Array.isArray(top))
    throw unreadable(place, "it is no JSON object")
  return { text, members: membersOf(text) }
}

function unreadable(place: string, message: string): AppError {
  return new AppError("output-unreadable", `${place}: ${message}`, {
    hint: 'make it a JSON object, like {"password":"…"}, or name an entry that is one',
  })
}

const word = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s"{}[\],:]+/g

/** Of a text that JSON.parse takes: the members of the object that it is. */
function membersOf(text: string): readonly Member[] {
  const members: Member[] = []
  let depth = 0
  let key: { readonly text: string; readonly from: number } | undefined
  let start: number | undefined
  let end = 0
  const close = (): void => {
    if (key !== undefined && start !== undefined)
      members.push({ key: String(JSON.parse(key.text)), from: key.from, start, end })
    key = start = undefined
  }
  for (const { 0: token, index } of text.matchAll(word)) {
    if (token === "}" || token === "]") depth--
    if (depth === 0 || (depth === 1 && token === ",")) close()
    else if (depth === 1 && key === undefined) key = { text: token, from: index }
    else if (key !== undefined && !(token === ":" && start === undefined)) {
      start ??= index
      end = index + token.length
    }
    if (token === "{" || token === "[") depth++
  }
  return members
}

/** What stands there for each of these names; undefined where it is no text. */
export function heldIn(
  { text, members }: Contents,
  names: readonly string[],
  place: string,
): ReadonlyMap<string, Held> {
  const held = new Map<string, Held>()
  for (const { key, start, end } of members) {
    if (!names.includes(key)) continue
    if (held.has(key))
      throw new AppError("output-key-twice", `${place}: ${key} stands there twice`, {
        hint: "delete one of the two",
      })
    const value: unknown = JSON.parse(text.slice(start, end))
    held.set(key, { value: value === null ? "" : textOf(value) })
  }
  return held
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? toBinary(value) : undefined
}

/** With these values in it, and nothing else changed. */
export function spliced(contents: Contents, rendered: Rendered, place: string): string {
  const raw = new Map([...rendered].map(([name, value]) => [name, jsonOf(value, name, place)]))
  return withRaw(contents, raw)
}

function jsonOf(value: string, name: string, place: string): string {
  const text = fromBinary(value)
  if (text === undefined)
    throw new AppError(
      "output-value-unfit",
      `${place}: the value of ${name} is not valid Unicode text`,
    )
  return quoted(text)
}

/**
 * These names as they stand in another content, byte for byte; those that do not stand there are
 * taken out.
 */
export function putBack(now: Contents, former: Contents, names: readonly string[]): string {
  if (restOf(now, names) === restOf(former, names)) return former.text
  const raw = new Map(
    former.members
      .filter(({ key }) => names.includes(key))
      .map(({ key, start, end }) => [key, former.text.slice(start, end)]),
  )
  const kept = withRaw(now, raw)
  return taken(
    kept,
    names.filter((name) => !raw.has(name)),
  )
}

/** All that is not ours, in its order. */
function restOf({ text, members }: Contents, names: readonly string[]): string {
  return JSON.stringify(
    members
      .filter(({ key }) => !names.includes(key))
      .map(({ key, start, end }) => [key, text.slice(start, end)]),
  )
}

function withRaw({ text, members }: Contents, raw: ReadonlyMap<string, string>): string {
  if (text === "") return objectOf([...raw].map(([key, value]) => `${quoted(key)}:${value}`))
  let next = ""
  let at = 0
  for (const { key, start, end } of members) {
    const value = raw.get(key)
    if (value === undefined) continue
    next += text.slice(at, start) + value
    at = end
  }
  const there = new Set(members.map(({ key }) => key))
  const more = [...raw].filter(([key]) => !there.has(key))
  const rest = next + text.slice(at)
  if (more.length === 0) return rest
  const added = more.map(([key, value]) => `${quoted(key)}:${value}`).join(",")
  const last = members.at(-1)
  const close = rest.lastIndexOf("}")
  // Behind the last member, before what stands between it and the end.
  const behind = last === undefined ? close : close - (text.lastIndexOf("}") - last.end)
  return `${rest.slice(0, behind)}${last === undefined ? "" : ","}${added}${rest.slice(behind)}`
}

/** Without these names. */
export function taken(text: string, names: readonly string[]): string {
  if (names.length === 0 || text === "") return text
  const members = membersOf(text)
  const stay = members.filter(({ key }) => !names.includes(key))
  if (stay.length === members.length) return text
  return objectOf(stay.map(({ from, end }) => text.slice(from, end)))
}

function objectOf(members: readonly string[]): string {
  return `{${members.join(",")}}`
}
