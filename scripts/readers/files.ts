import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type ReaderName, readers } from "../../src/plugins/outputs/dotenv/readers/index.ts"
import { mergeInto, wholeFile } from "../../src/plugins/outputs/dotenv/merge.ts"
import { refuseMisread } from "../../src/plugins/outputs/dotenv/read-back.ts"
import { toBinary } from "../../src/plugins/outputs/dotenv/readers/reader.ts"
import type { Settings } from "../../src/plugins/outputs/dotenv/settings.ts"
import { type Random, hardValue, plainValue, seedPassword, seeded } from "./values.ts"

/**
 * seed: raw, as the Python program wrote it. bare: `portable` with `merge: true`, which has no
 * comment. The others are what a config says after `for:`.
 */
export type Mode = "seed" | "bare" | ReaderName
export const modes: readonly Mode[] = [
  "seed",
  "portable",
  "dotenv",
  "node",
  "bun",
  "expand",
  "compose",
  "docker",
  "systemd",
  "shell",
  "python",
  "github",
]

/**
 * Files of one mode: where each lies, and by variable what it shall hold, as a binary string. Names
 * are unique over all of them.
 */
export type Batch = {
  readonly mode: Mode
  readonly files: readonly { readonly path: string; readonly meant: ReadonlyMap<string, string> }[]
  readonly offered: number
  readonly refused: number
}

/**
 * `count` files of three values each, in folders of their own, for some readers look for a file
 * named `.env`.
 */
export function writeFiles(folder: string, mode: Mode, count: number, seed: string): Batch {
  const random = seeded(`${seed}/${mode}`)
  const tally = { offered: 0, refused: 0 }
  const files = Array.from({ length: count }, (_, index) => {
    const meant = new Map(
      ["A", "B", "C"].map((letter) => [
        `F${index}_${letter}`,
        toBinary(valueFor(mode, random, tally)),
      ]),
    )
    const place = join(folder, mode, String(index))
    mkdirSync(place, { recursive: true, mode: 0o755 })
    const path = join(place, ".env")
    writeFileSync(path, textFor(mode, meant), { encoding: "latin1", mode: 0o644 })
    return { path, meant }
  })
  return { mode, files, ...tally }
}

/**
 * Hard values until one is not refused; of portable, which refuses nearly all of them, half are the
 * product's own.
 */
function valueFor(mode: Mode, random: Random, tally: { offered: number; refused: number }): string {
  if (mode === "seed") return seedPassword(random)
  const plain = mode === "portable" || mode === "bare"
  for (;;) {
    const value = plain && random.below(2) === 0 ? plainValue(random) : hardValue(random)
    tally.offered++
    if ("text" in readers[plain ? "portable" : mode].write(toBinary(value))) return value
    tally.refused++
  }
}

function textFor(mode: Mode, meant: ReadonlyMap<string, string>): string {
  if (mode === "seed") return [...meant].map(([name, value]) => `${name}=${value}`).join("\n")
  const settings = settingsOf(mode, meant)
  const text = settings.merge ? mergeInto(settings, "", meant) : wholeFile(settings, meant)
  refuseMisread(settings, "", text, meant)
  return text
}

function settingsOf(mode: ReaderName | "bare", meant: ReadonlyMap<string, string>): Settings {
  const readerName = mode === "bare" ? "portable" : mode
  const reader = readers[readerName]
  return {
    target: ".env",
    readerName,
    toTell: "",
    reader,
    merge: mode === "bare",
    variables: [...meant.keys()].map((name) => ({ name, template: "", secrets: [] })),
    header: mode === "bare" || !reader.comments ? undefined : "# written by mycelium: production",
    files: { owner: undefined, mode: undefined },
  }
}
