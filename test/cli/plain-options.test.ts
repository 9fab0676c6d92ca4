import { expect, test } from "bun:test"
import { parseArgs } from "node:util"
import fc from "fast-check"
import { type Options, commonOptions, parseArgsOptions } from "../../src/cli/command.ts"
import { readPlain } from "../../src/cli/plain-options.ts"
import { runs } from "../support/fuzzed.ts"

const options: Options = {
  ...commonOptions,
  yes: { type: "boolean", summary: "" },
  from: { type: "string", summary: "" },
  tag: { type: "string", multiple: true, summary: "" },
}

test("readPlain() reads as parseArgs() does, or not at all", () => {
  const word = fc.constantFrom(
    "production",
    "",
    "-",
    "--",
    "-h",
    "--help",
    "--yes",
    "--yes=1",
    "--from",
    "--from=x",
    "--tag",
    "--tag=a",
    "--json",
    "--config",
    "--nope",
    "-1",
    "a=b",
    "--no-yes",
    "-hx",
    "--from ",
    "__proto__",
    "--__proto__",
    "--toString",
  )
  let read = 0
  const many = runs(20_000)
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (args) => {
      const plain = readPlain(options, args)
      if (plain === undefined) return
      read++
      const { values, positionals } = parseArgs({
        args,
        options: parseArgsOptions(options),
        allowPositionals: true,
        strict: true,
      })
      expect({ values: { ...plain.values }, positionals: plain.positionals }).toEqual({
        values: { ...values } as typeof plain.values,
        positionals,
      })
    }),
    many,
  )
  expect(read).toBeGreaterThan(many.numRuns / 20)
})

test.each([
  [["production", "--yes"]],
  [["--from", "-", "a"]],
  [["--tag", "a", "--tag", "b"]],
  [[]],
])("%j needs no other", (args) => {
  expect(readPlain(options, args)).toBeDefined()
})

test.each([
  [["--from"]],
  [["--from", "--yes"]],
  [["--nope"]],
  [["-h"]],
  [["--yes=1"]],
  [["--", "a"]],
])("%j is for parseArgs()", (args) => {
  expect(readPlain(options, args)).toBeUndefined()
})
