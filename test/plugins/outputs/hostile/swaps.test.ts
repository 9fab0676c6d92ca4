import { expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { swaps } from "../../../../scripts/swaps/swaps.ts"

/** A small sample of scripts/swaps.ts. */

const seed = Number(process.env["SWAPS_SEED"] ?? Date.now() % 1_000_000)
const missing = whatIsMissing()

function whatIsMissing(): string | undefined {
  if (process.geteuid?.() !== 0) return "needs root, for two users"
  return existsSync("/usr/bin/python3") ? undefined : "python3 is not installed"
}

test.skipIf(missing !== undefined)(
  `while another user swaps files, folders and links, nothing changes outside and nothing is read${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  async () => {
    const { ends, did, reads, changed, odd } = await swaps({ rounds: 250, seed, thieves: 1 })
    const reproduce = `bun scripts/swaps.ts --rounds 250 --thieves 1 --seed ${seed}`
    expect({ reproduce, reads, changed, odd }).toEqual({
      reproduce,
      reads: [],
      changed: [],
      odd: [],
    })
    const count = (end: string): number =>
      Object.values(ends).reduce((sum, one) => sum + (one[end] ?? 0), 0)
    expect(count("delivered")).toBeGreaterThan(0)
    expect(count("file-is-link")).toBeGreaterThan(0)
    expect((did["swap_folder"] ?? 0) + (did["trade_folder"] ?? 0)).toBeGreaterThan(10)
  },
  120_000,
)
