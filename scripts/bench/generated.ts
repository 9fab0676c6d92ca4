import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { rotateNow } from "../../src/app/rotate-now.ts"
import { bareRotation } from "./bare.ts"
import { type Row, inTurn, median } from "./measure.ts"
import { openProject } from "./project.ts"

/** Rotations a second of `generated` into a file, beside the same durable replaces, seals and appends with nothing around them. */
export async function generatedRow(rounds: number, each: number): Promise<Row> {
  await using project = await openProject(() => 'environments:\n  one:\n    rotate_every: never\n    secrets: { key: generated }\n    outputs: [{ dotenv: one.env, variables: { KEY: "{{ key.password }}" } }]\n')
  const { app, folder } = project
  const ask = { skipGrace: false, waitMs: 0 } as const
  await rotateNow(app, "one", { why: "new", ...ask })
  const seen = new Set<string>()
  const ours = async (): Promise<void> => {
    for (let count = 0; count < each; count++) {
      const { outcomes } = await rotateNow(app, "one", { why: "asked", ...ask })
      if (outcomes["key"]?.is !== "rotated") throw new Error("not rotated")
      seen.add(await readFile(join(folder, "one.env"), "utf8"))
    }
  }
  const limit = async (): Promise<void> => {
    for (let count = 0; count < each; count++) await bareRotation(app, folder, { revokes: false })
  }
  await ours()
  await limit()
  const times = await inTurn(rounds, ours, limit)
  if (seen.size !== (rounds + 1) * each) throw new Error("a rotation left the old value")
  const [a, b] = [median(times.ours) / each, median(times.limit) / each]
  return { row: "generated -> .env, one environment", ours: `${(1000 / a).toFixed(0)}/s`, limit: `${(1000 / b).toFixed(0)}/s (same writes, seals, appends)`, ratio: b / a, aim: ">= 0.85", met: b / a >= 0.85, note: `median of ${rounds} × ${each}` }
}
