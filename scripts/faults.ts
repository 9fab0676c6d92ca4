/**
 * A machine that fails: the compiled binary against a real PostgreSQL and a real Redis, with one
 * system call on one of our files answered by ENOSPC, EIO, EROFS, EACCES or EMFILE (strace). After
 * each: one clear sentence, no value, a credential that works; then the same command on a machine
 * that works: everything at rest. `bun run faults [--all] [--seed N] [--count N] [--scenario NAME]
 * [--at TEXT] [--lanes N]`.
 */
import { columns } from "../src/cli/columns.ts"
import { startServers } from "./crash/servers.ts"
import { randomFrom } from "./crash/cuts.ts"
import { type Explored, explore } from "./faults/explore.ts"
import { sample } from "./faults/sample.ts"
import { scenarios } from "./faults/scenarios.ts"
import { optionsOf } from "./usage.ts"

const { values } = optionsOf(
  "bun scripts/faults.ts [--all] [--seed N] [--count N] [--scenario NAME] [--at TEXT] [--lanes N]",
  {
    all: { type: "boolean" },
    seed: { type: "string" },
    count: { type: "string" },
    scenario: { type: "string", multiple: true },
    at: { type: "string" },
    lanes: { type: "string" },
  },
)
const seed = Number(values.seed ?? Date.now() % 1_000_000)
const count = Number(values.count ?? 10)
const chosen = scenarios.filter(
  ({ name }) => values.scenario === undefined || values.scenario.includes(name),
)
if (chosen.length === 0)
  throw new Error(`scenarios: ${scenarios.map(({ name }) => name).join(" ")}`)
const tell = (message: string): void => void process.stderr.write(`${message}\n`)
tell(
  "faults: " +
    `${values.all === true || values.at !== undefined ? "every one" : `${count} a scenario, seed ${seed}`}`,
)

await using servers = await startServers()
const began = performance.now()
const found: Explored[] = []
for (const scenario of chosen) {
  const random = randomFrom(seed)
  const one = await explore(servers, scenario, {
    choose: (all) => {
      const at = values.at
      if (at !== undefined)
        return all.filter(({ path, call, error, when }) =>
          `${call}:${error}:${when} ${path}`.includes(at),
        )
      return values.all === true ? all : sample(all, count, random)
    },
    lanes: Number(values.lanes ?? 2),
    tell,
  })
  tell(
    `faults: ${scenario.name}: ${one.reached} of ${one.planned} reached, ${one.faults.length} faults`,
  )
  found.push(one)
}
const exits = (one: Explored): string =>
  Object.entries(one.exits)
    .map(([code, times]) => `${code}: ${times}`)
    .join(", ")
console.log(
  columns([
    ["scenario", "planned", "reached", "faults", "exits", "what"],
    ...found.map((one) => [
      one.scenario.name,
      String(one.planned),
      String(one.reached),
      String(one.faults.length),
      exits(one),
      one.scenario.message,
    ]),
  ]).join("\n"),
)
tell(`faults: ${Math.round((performance.now() - began) / 1000)} s, seed ${seed}`)
process.exitCode = found.every(({ faults, reached }) => faults.length === 0 && reached > 0) ? 0 : 1
