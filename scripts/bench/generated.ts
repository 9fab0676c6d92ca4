import { readFile } from "node:fs/promises"
import { join } from "node:path"
import type { App } from "../../src/app/app.ts"
import { rotateNow } from "../../src/app/rotate-now.ts"
import { startBareGo } from "./bare-go.ts"
import { bareRotation } from "./bare.ts"
import {
  type Row,
  aSecond,
  allInTurn,
  besideGo,
  withServerSlot,
  median,
  shareOf,
} from "./measure.ts"
import { seedRotation } from "./peer.ts"
import { openProject } from "./project.ts"

const ask = { skipGrace: false, waitMs: 0 } as const

/**
 * Rotations a second of `generated` into a file, beside the same durable replaces, seals and
 * appends with nothing around them.
 */
export async function generatedRows(how: {
  readonly rounds: number
  readonly each: number
  readonly environments: number
}): Promise<readonly Row[]> {
  return [await oneRow(how), ...(await manyRows(how))]
}

async function oneRow({
  rounds,
  each,
}: {
  readonly rounds: number
  readonly each: number
}): Promise<Row> {
  await using project = await openProject(() => `environments:\n${environment("one")}`)
  const { app, folder } = project
  await rotateNow(app, "one", { why: "new", ...ask })
  const seen = new Set<string>()
  const ours = async (): Promise<void> => {
    for (let count = 0; count < each; count++) {
      await rotateOnce(app, "one")
      seen.add(await readFile(join(folder, "one.env"), "utf8"))
    }
  }
  const limit = async (): Promise<void> => {
    for (let count = 0; count < each; count++) await bareRotation(app, folder, { revokes: false })
  }
  const seed = await seedRotation(folder)
  const go = await startBareGo(folder)
  await using _ = "why" in go ? undefined : go
  const inGo = async (): Promise<void> =>
    "why" in go ? undefined : go.rotate([{ name: "go", count: each }])
  for (const act of [ours, limit, inGo]) await act()
  const [mine = [], bare = [], peer = [], other = []] = await allInTurn(rounds, [
    ours,
    limit,
    () => seed.rotate(each),
    inGo,
  ])
  await seed.stop()
  if (seen.size !== (rounds + 1) * each) throw new Error("a rotation left the old value")
  const share = shareOf({ ours: mine, limit: bare })
  return {
    row: "generated into .env, one environment",
    ours: aSecond(median(mine) / each),
    limit: `${aSecond(median(bare) / each)} same durable acts, seals`,
    peer: `${aSecond(median(peer) / each)} Python: secrets, JSON, chmod, .env; syncs nothing`,
    ratio: share,
    aim: ">= 0.85",
    met: share >= 0.85,
    note: `median of ${rounds} rounds of ${each}`,
    go: "why" in go ? `no bare row in Go: ${go.why}` : besideGo(mine, other, each, same),
  }
}

const same = "same durable acts, seals"

/** Another environment each time, then several at once. */
async function manyRows({
  rounds,
  each,
  environments,
}: {
  readonly rounds: number
  readonly each: number
  readonly environments: number
}): Promise<readonly Row[]> {
  const names = Array.from({ length: environments }, (_, index) => `e${index}`)
  await using project = await openProject(() => `environments:\n${names.map(environment).join("")}`)
  const { app, folder } = project
  for (let at = 0; at < names.length; at += 8)
    await Promise.all(
      names.slice(at, at + 8).map((name) => rotateNow(app, name, { why: "new", ...ask })),
    )
  let turn = 0
  const next = (count: number): readonly string[] =>
    Array.from({ length: count }, () => names[turn++ % names.length] ?? "e0")
  const ours = async (): Promise<void> => {
    for (const name of next(each)) await rotateOnce(app, name)
  }
  const limit = async (): Promise<void> => {
    for (const name of next(each))
      await bareRotation(app, folder, { revokes: false, name: `bare-${name}` })
  }
  const together = async (): Promise<void> => {
    const waiting = [...next(each)]
    const worker = async (): Promise<void> => {
      for (let name = waiting.pop(); name !== undefined; name = waiting.pop())
        await rotateOnce(app, name)
    }
    await Promise.all([worker(), worker(), worker(), worker()])
  }
  const go = await startBareGo(folder)
  await using _ = "why" in go ? undefined : go
  const inGo = async (): Promise<void> => {
    for (const name of next(each))
      if (!("why" in go)) await go.rotate([{ name: `go-${name}`, count: 1 }])
  }
  for (const act of [ours, limit, inGo]) await act()
  const [mine = [], bare = [], other = []] = await allInTurn(rounds, [ours, limit, inGo])
  const times = { ours: mine, limit: bare }
  const side = await withServerSlot(rounds, together, ours)
  const [share, gain] = [shareOf(times), shareOf(side)]
  const note = `median of ${rounds} rounds of ${each}`
  return [
    {
      row: `generated into .env, ${environments} environments`,
      ours: aSecond(median(times.ours) / each),
      limit: `${aSecond(median(times.limit) / each)} same durable acts, seals`,
      ratio: share,
      aim: ">= 0.85",
      met: share >= 0.85,
      note,
      go: "why" in go ? `no bare row in Go: ${go.why}` : besideGo(mine, other, each, same),
    },
    {
      row: "four environments side by side",
      ours: aSecond(median(side.ours) / each),
      limit: `${aSecond(median(side.limit) / each)} ours, one at a time`,
      ratio: gain,
      aim: "> 1",
      met: gain > 1,
      note,
    },
  ]
}

function environment(name: string): string {
  return (
    `  ${name}: { rotate_every: never, secrets: { key: generated }, outputs: ` +
    `[{ dotenv: ${name}.env, variables: { KEY: "{{ key.password }}" } }] }\n`
  )
}

async function rotateOnce(app: App, name: string): Promise<void> {
  const { outcomes } = await rotateNow(app, name, { why: "asked", ...ask })
  if (outcomes["key"]?.kind !== "rotated") throw new Error(`${name} was not rotated`)
}
