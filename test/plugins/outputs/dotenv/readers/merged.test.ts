import { expect, test } from "bun:test"
import { mkdirSync, writeFileSync, chmodSync } from "node:fs"
import { join } from "node:path"
import { catalogue } from "../../../../../scripts/readers/catalogue.ts"
import { type Random, oneOf, seeded } from "../../../../../scripts/readers/values.ts"
import { AppError } from "../../../../../src/base/error.ts"
import { mergeInto } from "../../../../../src/plugins/outputs/dotenv/merge.ts"
import { managedEntries } from "../../../../../src/plugins/outputs/dotenv/present.ts"
import { refuseMisread } from "../../../../../src/plugins/outputs/dotenv/read-back.ts"
import {
  type ReaderName,
  readers,
} from "../../../../../src/plugins/outputs/dotenv/readers/index.ts"
import { temporaryFolder } from "../../../../support/temp-folder.ts"

/**
 * A value merged into unusual files: comments, quotes, line ends and the key's own
 * name, strewn. Where it is not refused, the real reader finds the value, if it finds that variable
 * at all.
 */
const value = "New-passw0rd.2"
const count = 80
const bits = (key: string): readonly string[] => [
  "x",
  "B",
  " ",
  "\t",
  "'",
  '"',
  "`",
  "\\",
  "#",
  " #",
  "$$",
  "\\n",
  "=",
  ":",
  "é",
  "export ",
  key,
  `${key}=no`,
  ";",
  "\n",
  "\n",
  "\n",
  "\r\n",
  "\r",
  "B=",
  "C=x\n",
  "D='q r'\n",
  'E="q\\"r"\n',
  "(",
  "-",
  "<<END",
  "END",
]
const olds = [
  "old",
  "'old'",
  '"old"',
  "`old`",
  "",
  "old # c",
  "old  ",
  "'old' # c",
  "'old'x",
  "\told",
  "'o\nld'",
]

function strewn(random: Random, key: string): string {
  const soup = (): string =>
    Array.from({ length: random.below(12) }, () => oneOf(random, bits(key))).join("")
  const line = `${oneOf(random, ["", "", "export ", " "])}${key}${oneOf(random, ["=", "=", "=", " = ", ": "])}${oneOf(random, olds)}`
  return Buffer.from(
    `${soup()}${oneOf(random, ["\n", "\n", ""])}${line}${oneOf(random, ["\n", "\n", "\r\n", ""])}${soup()}`,
  ).toString("latin1")
}

/** The file after the merge; undefined where that is refused. */
function merged(readerName: ReaderName, text: string, key: string): string | undefined {
  const settings = {
    target: ".env",
    readerName,
    toTell: "",
    reader: readers[readerName],
    merge: true,
    variables: [{ name: key, template: "", secrets: [] }],
    header: undefined,
    files: {},
  }
  try {
    const present = managedEntries(settings, text).get(key)
    if (present !== undefined && present.value === undefined) return undefined
    const next = mergeInto(settings, text, new Map([[key, value]]))
    refuseMisread(settings, text, next, new Map([[key, value]]))
    return next
  } catch (error) {
    if (error instanceof AppError) return undefined
    throw error
  }
}

const cases = catalogue
  .filter(({ local, name }) => local && name !== "docker create")
  .flatMap((real) => real.own.map((mode) => [real.name, mode, real] as const))

test.each(cases)(
  "%s finds what was merged for %s, in files as no one would write them",
  async (_, mode, real) => {
    const ask = await real.ready()
    if ("why" in ask || mode === "seed" || mode === "bare") return
    await using folder = await temporaryFolder()
    // Shells run as the user nobody.
    chmodSync(folder.path, 0o755)
    const random = seeded(`merged/${mode}`)
    const files: { readonly path: string; readonly key: string }[] = []
    for (let index = 0; files.length < count; index++) {
      const key = `F${index}_A`
      const text = merged(mode, strewn(random, key), key)
      if (text === undefined) continue
      const path = join(folder.path, String(index))
      writeFileSync(path, text, { encoding: "latin1", mode: 0o644 })
      files.push({ path, key })
    }
    mkdirSync(join(folder.path, "empty"), { mode: 0o755 })
    const found = await ask(
      files.map(({ path }) => path),
      join(folder.path, "empty"),
    )
    expect(
      files
        .filter(({ key }) => found.has(key) && found.get(key) !== value)
        .map(({ key }) => [key, found.get(key)]),
    ).toEqual([])
    expect(files.filter(({ key }) => found.has(key)).length).toBeGreaterThan(count / 8)
  },
  60_000,
)

/** Lines of Windows, into which `portable` merges: replaced, appended, behind a line without an end. */
const windows = (key: string): readonly string[] => [
  `B=1\r\n${key}=old\r\nC=2\r\n`,
  `B=1\r\n${key}="old"\r\n`,
  `B=1\r\n`,
  `B=1\r\nC=2`,
  `${key}=\r\nB=1\r\n`,
  `${key}=  \r\n`,
  `B=1\r\n${key}=old`,
]

test.each(
  catalogue
    .filter(({ local, name }) => local && name !== "docker create")
    .map((real) => [real.name, real] as const),
)(
  "%s finds what was merged for all readers into a file with the line ends of Windows, without a carriage return",
  async (_, real) => {
    const ask = await real.ready()
    if ("why" in ask) return
    await using folder = await temporaryFolder()
    chmodSync(folder.path, 0o755)
    const paths = windows("").map((__, index) => join(folder.path, String(index)))
    for (const [index, path] of paths.entries())
      writeFileSync(
        path,
        merged("portable", windows(`F${index}_A`)[index] ?? "", `F${index}_A`) ?? "refused",
        { mode: 0o644 },
      )
    mkdirSync(join(folder.path, "empty"), { mode: 0o755 })
    const found = await ask(paths, join(folder.path, "empty"))
    expect(paths.map((__, index) => found.get(`F${index}_A`))).toEqual(paths.map(() => value))
  },
  60_000,
)
