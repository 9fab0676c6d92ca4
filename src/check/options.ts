/** Every entry of every map in these options. */
export function* entriesIn(options: unknown): Generator<readonly [key: string, value: unknown]> {
  if (typeof options !== "object" || options === null) return
  for (const [key, value] of Object.entries(options)) {
    if (!Array.isArray(options)) yield [key, value]
    yield* entriesIn(value)
  }
}
