import { join } from "node:path"
import { manyEnvironments } from "./many.ts"
import { type Row, allInTurn, inTurn, median, ms } from "./measure.ts"
import { run } from "./start.ts"

/** `plan` of very many secrets, beside reading and parsing the same files in a program that does no more. */
export async function planRow(root: string, how: { readonly environments: number; readonly each: number; readonly rounds: number }): Promise<Row> {
  await using many = await manyEnvironments(how.environments, how.each)
  const count = how.environments * how.each
  const binary = join(root, "dist", "mycelium")
  const reader = join(import.meta.dirname, "reader.ts")
  const ours = async (): Promise<void> => {
    const { environments } = JSON.parse(run([binary, "plan", "--days", "100", "--json"], /^\{/, many.env)) as { readonly environments: readonly { readonly events: readonly { readonly rotates: readonly string[] }[] }[] }
    const planned = environments.reduce((sum, { events }) => sum + events.reduce((all, { rotates }) => all + rotates.length, 0), 0)
    if (planned !== count) throw new Error(`${planned} of ${count} secrets are planned`)
  }
  const limit = async (): Promise<void> => void run([process.execPath, reader, many.config], new RegExp(`^${count}$`, "m"), {})
  const times = await inTurn(how.rounds, ours, limit)
  const [a, b] = [median(times.ours), median(times.limit)]
  return { row: `plan, ${count} secrets`, ours: ms(a), limit: `${ms(b)} reading and parsing the same files`, ratio: a / b, aim: "<= 2", met: a / b <= 2, note: `median of ${how.rounds}; ${how.environments} environments of ${how.each}` }
}

/** By what power of the number of environments the time of a whole `status` grows, start-up left out. */
export async function growthRow(root: string, how: { readonly sizes: readonly number[]; readonly rounds: number }): Promise<Row> {
  const binary = join(root, "dist", "mycelium")
  const projects = []
  for (const size of how.sizes) projects.push({ size, many: await manyEnvironments(size) })
  try {
    const times = await allInTurn(how.rounds, [
      async () => void run([binary, "version"], /^mycelium /, {}),
      ...projects.map(({ size, many }) => async () => void run([binary, "status"], new RegExp(`${size} secrets`), many.env)),
    ])
    const [start = 0, ...took] = times.map(median)
    const points = projects.map(({ size }, index) => ({ x: Math.log(size), y: Math.log(Math.max(0.1, (took[index] ?? 0) - start)) }))
    const exponent = slope(points)
    const says = projects.map(({ size }, index) => `${size}: ${ms(took[index] ?? 0)}`).join(", ")
    return { row: `growth of status, ${how.sizes[0]} to ${how.sizes.at(-1)}`, ours: `n^${exponent.toFixed(2)}`, limit: "n^1", ratio: exponent, aim: "<= 1.05", met: exponent <= 1.05, note: `${says}; median of ${how.rounds}` }
  } finally {
    for (const { many } of projects) await many[Symbol.asyncDispose]()
  }
}

/** Least squares. */
function slope(points: readonly { readonly x: number; readonly y: number }[]): number {
  const mean = (pick: (point: { readonly x: number; readonly y: number }) => number): number => points.reduce((sum, point) => sum + pick(point), 0) / points.length
  const [x, y] = [mean((point) => point.x), mean((point) => point.y)]
  return points.reduce((sum, point) => sum + (point.x - x) * (point.y - y), 0) / points.reduce((sum, point) => sum + (point.x - x) ** 2, 0)
}
