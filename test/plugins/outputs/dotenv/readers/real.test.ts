import { describe, expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { bun } from "../../../../../src/plugins/outputs/dotenv/readers/bun.ts"
import { node } from "../../../../../src/plugins/outputs/dotenv/readers/node.ts"
import { portable } from "../../../../../src/plugins/outputs/dotenv/readers/portable.ts"
import { python } from "../../../../../src/plugins/outputs/dotenv/readers/python.ts"
import type { Reader } from "../../../../../src/plugins/outputs/dotenv/readers/reader.ts"
import { shell } from "../../../../../src/plugins/outputs/dotenv/readers/shell.ts"
import { temporaryFolder } from "../../../../support/temp-folder.ts"
import { fileOf, hostile } from "./values.ts"

/** The readers that a test machine has: what we write, read by the real program. */
const shows =
  "process.stdout.write(Object.keys(process.env).map((key) => key + '=' + process.env[key] + '\\0').join(''))"
const pythonShows =
  "import dotenv, sys\n" +
  "for key, value in dotenv.dotenv_values(sys.argv[1]).items(): sys.stdout.buffer.write((key " +
  "+ '=' + value + '\\0').encode())"
const programs: readonly (readonly [
  string,
  readonly Reader[],
  (path: string) => readonly string[],
])[] = [
  ["bun", [bun, portable], (path) => [process.execPath, `--env-file=${path}`, "-e", shows]],
  ["node", [node, portable], (path) => ["node", `--env-file=${path}`, "-e", shows]],
  ["python3", [python, portable], (path) => ["python3", "-c", pythonShows, path]],
  ...["sh", "bash", "zsh"].map(
    (name) =>
      [
        name,
        [shell, portable],
        (path: string) => [name, "-c", `set -a; . ${path}; exec /usr/bin/env -0`],
      ] as const,
  ),
]

function has(name: string): boolean {
  if (name === "bun") return true
  if (Bun.which(name) === null) return false
  return (
    name !== "python3" ||
    Bun.spawnSync(["python3", "-c", "import dotenv"], { stderr: "ignore" }).success
  )
}

describe.each(programs)("%s", (name, readers, command) => {
  const here = has(name)
  test.skipIf(!here)(
    `reads what we write for it${here ? "" : ` (skipped: this machine has no ${name}${name === "python3" ? " with python-dotenv" : ""})`}`,
    async () => {
      await using folder = await temporaryFolder()
      const path = join(folder.path, "test.env")
      const values = fc.sample(
        hostile.filter((value) => !value.includes("\0")),
        { numRuns: 120, seed: 7 },
      )
      for (const reader of readers) {
        const { text, meant } = fileOf(reader, values)
        writeFileSync(path, text, { encoding: "latin1", mode: 0o600 })
        const ran = Bun.spawnSync([...command(path)], {
          cwd: folder.path,
          env: { PATH: process.env["PATH"] ?? "", HOME: folder.path },
        })
        const real = new Map(
          Buffer.from(ran.stdout)
            .toString("latin1")
            .split("\0")
            .map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
        )
        expect([...meant].filter(([key, value]) => real.get(key) !== value)).toEqual([])
      }
    },
  )
})
