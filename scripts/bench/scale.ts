import { join } from "node:path"
import { manyEnvironments } from "./many.ts"
import { type Row, withServerSlot, median, ms } from "./measure.ts"
import { run } from "./start.ts"

/** `plan` of very many secrets, beside reading and parsing the same files in a program that does no more. */
export async function planRow(
  root: string,
  how: { readonly environments: number; readonly each: number; readonly rounds: number },
): Promise<Row> {
  await using many = await manyEnvironments(how.environments, how.each)
  const count = how.environments * how.each
  const binary = join(root, "dist", "mycelium")
  const reader = join(import.meta.dirname, "reader.ts")
  const ours = async (): Promise<void> => {
    const { environments } = JSON.parse(
      run([binary, "plan", "--days", "100", "--json"], /^\{/, many.env),
    ) as {
      readonly environments: readonly {
        readonly events: readonly { readonly rotates: readonly string[] }[]
      }[]
    }
    const planned = environments.reduce(
      (sum, { events }) => sum + events.reduce((all, { rotates }) => all + rotates.length, 0),
      0,
    )
    if (planned !== count) throw new Error(`${planned} of ${count} secrets are planned`)
  }
  const limit = async (): Promise<void> =>
    void run([process.execPath, reader, many.config], new RegExp(`^${count}$`, "m"), {})
  const times = await withServerSlot(how.rounds, ours, limit)
  const [a, b] = [median(times.ours), median(times.limit)]
  return {
    row: `plan, ${count} secrets`,
    ours: ms(a),
    limit: `${ms(b)} reading and parsing the same files`,
    ratio: a / b,
    aim: "<= 2",
    met: a / b <= 2,
    note: `median of ${how.rounds}; ${how.environments} environments of ${how.each}`,
  }
}
