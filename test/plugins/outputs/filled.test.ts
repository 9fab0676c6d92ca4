import { expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { json } from "../../../src/plugins/outputs/json.ts"
import { yaml } from "../../../src/plugins/outputs/yaml.ts"
import { errorOf } from "../../support/error-of.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"
import { deliver, fresh } from "./conformance/harness.ts"

/** Who owns the file has filled it so that a parser takes minutes and gigabytes with it. */

const bytes = 500_000
/** Far below what the parser took (half a minute), far above what a look takes on a busy machine. */
const withinMs = 8000
/** More than before: the parser took gigabytes. */
const megabytes = 600

const units = [
  "[",
  "{",
  "{a: ",
  "- ",
  "? ",
  ": ",
  "a: ",
  "a: - ",
  "[]",
  "{}",
  "]",
  "}",
  "[,",
].concat([
  "[\n",
  "a: [\n",
  "- [",
  "!a ",
  "&a ",
  "*a ",
  '"',
  "'",
  "? a\n: ",
  "- a\n",
  "%x\n",
  "---\n",
])
const numbered = (sign: string): string =>
  Array.from({ length: bytes / 20 }, (_, at) => `"k${at}"${sign} "a value"`).join(
    sign === ":" ? ",\n" : "\n",
  )

const texts: readonly (readonly [name: string, text: string])[] = [
  ...units.map((unit) => [JSON.stringify(unit), unit.repeat(bytes / unit.length)] as const),
  ["many keys", numbered(":").replaceAll(",\n", "\n")],
  ["deeper by each line", Array.from({ length: 900 }, (_, at) => `${" ".repeat(at)}a:`).join("\n")],
]
test.each(texts)("a YAML file of %s is refused soon", async (_, text) => {
  await using folder = await temporaryFolder()
  writeFileSync(join(folder.path, "x.yml"), text)
  const output = yaml.open(yaml.options.parse({ yaml: "x.yml", variables: { a: "b" } }), {
    folder: folder.path,
    label: "production",
  })
  await refusedSoon(() => deliver(output, fresh()))
})

test.each([
  ["brackets", "[".repeat(bytes)],
  ["maps", '{"a":'.repeat(bytes / 5)],
  ["lists", `{"a":${"[".repeat(400)}${"]".repeat(400)},"b":[${"1,".repeat(bytes / 2)}1]}`],
  ["keys", `{${numbered(":")}}`],
])("a JSON file of many %s is refused soon", async (_, text) => {
  await using folder = await temporaryFolder()
  writeFileSync(join(folder.path, "x.json"), text)
  const output = json.open(json.options.parse({ json: "x.json", variables: { a: "b" } }), {
    folder: folder.path,
    label: "production",
  })
  await refusedSoon(() => deliver(output, fresh()))
})

/** Of this process, which may have run other files before. */
const held = (): number => process.memoryUsage().rss / 1e6

async function refusedSoon(act: () => Promise<unknown>): Promise<void> {
  const [began, before] = [performance.now(), held()]
  const error = await errorOf(act())
  expect({ code: error.code, soon: performance.now() - began < withinMs }).toEqual({
    code: "output-foreign",
    soon: true,
  })
  expect(held() - before).toBeLessThan(megabytes)
}
