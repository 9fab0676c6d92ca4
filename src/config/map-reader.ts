import type { output, ZodType } from "zod"
import type { Path, Report } from "./problems.ts"
import { unknownKey } from "./sentences.ts"
import { validate } from "./validate.ts"

/** What each key may hold; that of a key that is not there is never asked for. */
type Schemas<Key extends string> = Readonly<Record<Key, ZodType>>

/** Reads a map key by key, so that one wrong key hides no other. A key that is never read is unknown. */
export class MapReader {
  readonly path: Path
  readonly #report: Report
  readonly #asked: string[] = []
  readonly #left: Map<string, unknown>
  /** False: not even a map, which is reported already. */
  readonly isMap: boolean

  constructor(value: unknown, path: Path, report: Report) {
    this.path = path
    this.#report = report
    this.isMap = typeof value === "object" && value !== null && !Array.isArray(value)
    this.#left = new Map(this.isMap ? Object.entries(Object(value)) : [])
    if (!this.isMap)
      report({ path, message: `expected a map of keys${value === null ? ", found nothing" : ""}` })
  }

  /** The value of a key that may be left out. */
  optional<Key extends string, Keys extends Schemas<Key>>(
    key: Key,
    keys: Keys,
  ): output<Keys[Key]> | undefined {
    if (!this.has(key)) return undefined
    const value = this.raw(key)
    return validate<Keys[Key]>(keys[key], {
      value,
      path: [...this.path, key],
      report: this.#report,
    })
  }

  required<Key extends string, Keys extends Schemas<Key>>(
    key: Key,
    keys: Keys,
  ): output<Keys[Key]> | undefined {
    if (!this.has(key) && this.isMap)
      this.#report({
        path: this.path,
        at: "key",
        missing: key,
        message: `required key \`${key}\` is missing`,
      })
    return this.optional(key, keys)
  }

  /** The value as written; undefined if the key is not there. */
  raw(key: string): unknown {
    this.#asked.push(key)
    const value = this.#left.get(key)
    this.#left.delete(key)
    return value
  }

  /** All keys that were not read so far; now they count as read. */
  rest(): Readonly<Record<string, unknown>> {
    const rest = Object.fromEntries(this.#left)
    this.#left.clear()
    return rest
  }

  /** The keys that were not read so far. */
  get left(): readonly string[] {
    return [...this.#left.keys()]
  }

  /** Reports the keys that were never read. */
  close(alsoKnown: readonly string[] = []): void {
    for (const [key, value] of this.#left) {
      this.#report({
        path: [...this.path, key],
        ...unknownKey(key, value, [...this.#asked, ...alsoKnown]),
      })
    }
  }

  has(key: string): boolean {
    if (!this.#asked.includes(key)) this.#asked.push(key)
    return this.#left.has(key)
  }
}
