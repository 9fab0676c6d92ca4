import { expect, test } from "bun:test"
import { join } from "node:path"
import type { Said } from "./main.ts"

test("whatever the schedule of kills, late requests, silences and failures: the laws hold at every state", async () => {
  const said = (await Promise.all([0, 1].map((part) => explored(part, 2)))).flat()
  expect(
    said.flatMap(({ title, wrong }) =>
      wrong.map(([fault, way]) => `${title}: ${fault}\n    ${way}`),
    ),
  ).toEqual([])
  // Nothing that is explored in a world which does not move proves anything.
  for (const { title, rotated, states } of said)
    expect([title, states > 10, rotated > 0 || /sick|takes no new value/.test(title)]).toEqual([
      title,
      true,
      true,
    ])
  const sum = (what: "states" | "schedules" | "acts"): number =>
    said.reduce((total, one) => total + one[what], 0)
  console.log(
    `${sum("states")} states in ${sum("schedules")} schedules of ${sum("acts")} acts, ` +
      `${said.length} worlds: laws i to v hold in all`,
  )
}, 600_000)

async function explored(part: number, parts: number): Promise<readonly Said[]> {
  const child = Bun.spawn(
    [
      process.execPath,
      join(import.meta.dir, "main.ts"),
      "--json",
      "--part",
      String(part),
      "--parts",
      String(parts),
    ],
    { stdout: "pipe" },
  )
  const lines = (await child.stdout.text()).trim().split("\n")
  return lines.map((line) => JSON.parse(line) as Said)
}
