import fc from "fast-check"
import { AppError } from "../../src/base/error.ts"

/**
 * Sets the seed of every property of a file, so that a failure can be seen again: FUZZ_SEED.
 * FUZZ_RUNS multiplies how often each is tried; the fast lane takes a part.
 */
const seed = Number(process.env["FUZZ_SEED"] ?? Date.now() % 1_000_000_000)
const times = Number(process.env["FUZZ_RUNS"] ?? 1)

export function runs(count: number): { readonly seed: number; readonly numRuns: number } {
  return { seed, numRuns: Math.ceil(count * times) }
}

/**
 * The answer, or the AppError that was thrown: it has a code, one sentence without a stack or a
 * foreign word, and none of `values`. Anything else is thrown on.
 */
export async function answered<T>(
  act: () => T | Promise<T>,
  values: readonly string[] = [],
): Promise<T | AppError> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    const said = `${error.message}\n${error.hint ?? ""}`
    if (!/^[a-z][a-z0-9-]+$/.test(error.code))
      throw new Error(`no code: ${error.code}`, { cause: error })
    if (/\n\s+at |\[object|undefined|NaN/.test(said) || error.message === "")
      throw new Error(`not one clear sentence: ${said}`, { cause: error })
    for (const value of values)
      if (value.length > 7 && said.includes(value))
        throw new Error("the error holds a value", { cause: error })
    return error
  }
}

/** Bytes of any kind. */
export const bytes = (maxLength = 200): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength })

/** A text with some of its parts removed, doubled, replaced or cut off. */
export function mutated(text: string): fc.Arbitrary<string> {
  const change = fc.record({
    at: fc.nat({ max: text.length }),
    length: fc.nat({ max: 40 }),
    put: fc.oneof(
      fc.constantFrom("", "\0", "\n", '"', "{", "}", "[", "-1", "1e400", "null", "\u2028"),
      fc.string({ maxLength: 8 }),
      fc.constant(text.slice(0, 50)),
    ),
  })
  return fc
    .array(change, { minLength: 1, maxLength: 4 })
    .map((changes) =>
      changes.reduce(
        (now, { at, length, put }) => now.slice(0, at) + put + now.slice(at + length),
        text,
      ),
    )
}
