import { expect, test } from "bun:test"
import { join } from "node:path"

/** The scripts that a person runs say what they take, and do nothing else then. */

const scripts = [
  "bench",
  "crash",
  "faults",
  "measure",
  "mutants",
  "readers",
  "recording",
  "servers",
  "swaps",
  "two-at-once",
]

test.each(scripts)(
  "scripts/%s.ts says its usage, and knows a wrong option",
  (name) => {
    const file = join(import.meta.dir, "..", "..", "scripts", `${name}.ts`)
    const ask = (option: string): readonly [number, string, string] => {
      const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, file, option])
      return [exitCode, stdout.toString(), stderr.toString()]
    }
    const usage = `usage: bun scripts/${name}.ts`
    const [code, said] = ask("--help")
    expect([code, said.slice(0, usage.length), said.trim().split("\n").length]).toEqual([
      0,
      usage,
      1,
    ])
    const [wrong, , told] = ask("--no-such-option")
    expect([wrong, told]).toEqual([2, expect.stringContaining(usage)])
    expect(told).not.toMatch(/^\s+at /m)
  },
  30_000,
)
