/** A small mistake in our code, and the test that must notice it. */
export type Mutant = {
  /** The law that it breaks: its number in src/README.md, or one of those that hold always. */
  readonly law: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | "always"
  /** The mistake, in a few words. */
  readonly name: string
  readonly edits: readonly Edit[]
  readonly test: Named
}
export type Edit = { readonly file: string; readonly find: string; readonly replace: string }
export type Named = {
  readonly file: string
  /** A part of the test's name; every test of the file if left out. */
  readonly name?: string
  /** It runs the binary, which has to be built first. */
  readonly binary?: true
}

/** One edit of one file. */
export function edit(file: string, find: string, replace: string): readonly Edit[] {
  return [{ file: `src/${file}`, find, replace }]
}

export const singleCuts: Named = { file: "test/crash/crash.test.ts", name: "any single instant" }
export const found: Named = { file: "test/crash/interleavings/found.test.ts" }
export const orderOfServices: Named = { file: "test/crash/order-of-services.test.ts", binary: true }
export const order: Named = { file: "test/crash/order.test.ts", binary: true }
export function cli(file: string, name?: string): Named {
  return { file: `test/cli/${file}.test.ts`, binary: true, ...(name === undefined ? {} : { name }) }
}
