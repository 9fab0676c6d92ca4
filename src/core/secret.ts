/** As `node:util` has it, which would be loaded for this word alone. */
const inspected = Symbol.for("nodejs.util.inspect.custom")

const values = new WeakMap<Secret, string>()

/**
 * A value that must never reach a log, an error or a terminal by accident: it prints as
 * `<secret:label>`.
 */
export class Secret {
  readonly label: string
  constructor(label: string, value: string) {
    this.label = label
    values.set(this, value)
  }

  /** The only way out. Its callers are listed, each with its reason, in scripts/laws.ts. */
  reveal(): string {
    const value = values.get(this)
    if (value === undefined) throw new Error("not a secret of this process")
    return value
  }

  /** Compares without letting either out. */
  equals(other: Secret): boolean {
    return this.reveal() === other.reveal()
  }

  toString(): string {
    return `<secret:${this.label}>`
  }

  toJSON(): string {
    return this.toString()
  }

  [inspected](): string {
    return this.toString()
  }
}
