import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { StateDocument } from "../../src/core/state.ts"
import { watchService } from "./idle.ts"
import { type Many, manyEnvironments } from "./many.ts"
import { type Row, allInTurn, median, ms } from "./measure.ts"
import { run } from "./start.ts"

type How = {
  /** Environments, the fewest first. */
  readonly sizes: readonly number[]
  readonly rounds: number
  /** Also what takes minutes. */
  readonly whole?: { readonly settleMs: number; readonly watchMs: number }
}
/** An environment has one secret and a `.env` that shows it. */
type Project = { readonly size: number; readonly many: Many }
/** Its figure for one environment, and for each size. */
type Found = {
  readonly name: string
  readonly one: number
  readonly figures: readonly number[]
  readonly say: (figure: number) => string /** The least that can be told from nothing. */
  readonly least: number
  readonly note: string
}

/** By what power of the number of environments each thing grows that depends on it. */
export async function growthRows(
  root: string,
  { sizes, rounds, whole }: How,
): Promise<readonly Row[]> {
  const projects: Project[] = []
  try {
    for (const size of [1, ...sizes])
      projects.push({
        size,
        many: await manyEnvironments(size, 1, { different: true, shown: true }),
      })
    const found = await timed(projects, rounds, readers(root))
    if (whole !== undefined) {
      found.push(...(await timed(projects, 3, { "--exposed-in": exposed(root) })))
      found.push(...(await idle(root, projects, whole)))
      // Last: it changes what the others read.
      found.push(await rotated(root, projects))
    }
    return found.map((one) => rowOf(sizes, one))
  } finally {
    for (const { many } of projects) await many[Symbol.asyncDispose]()
  }
}

type Act = (project: Project) => void

function readers(root: string): Readonly<Record<string, Act>> {
  const binary = join(root, "dist", "mycelium")
  return {
    "check --quick": ({ size, many }) =>
      void run(
        [binary, "check", "--quick"],
        new RegExp(`^ok +state: ${size} secrets? with a value`, "m"),
        many.env,
      ),
    check: ({ size, many }) =>
      void run(
        [binary, "check"],
        new RegExp(`^ok +outputs: ${size} files? shows? no value but current`, "m"),
        many.env,
      ),
    status: ({ size, many }) =>
      void run([binary, "status"], new RegExp(`^ *${size} secrets?`, "m"), many.env),
    plan: ({ size, many }) => {
      const planned = run([binary, "plan", "--days", "100"], /rotate s0/, many.env).match(
        / rotate s0 /g,
      )?.length
      if (planned !== size) throw new Error(`${planned} of ${size} secrets are planned`)
    },
  }
}

/** A small text that holds the value of one environment. */
function exposed(root: string): Act {
  return ({ size, many }) => {
    const leaked = join(many.folder, "leaked.log")
    writeFileSync(leaked, `connecting with ${many.values[size - 1]}\n`, { mode: 0o600 })
    run(
      [join(root, "dist", "mycelium"), "rotate-now", "--exposed-in", leaked, "--dry-run"],
      new RegExp(`^Would rotate 1 secret of e${size - 1}\\.`, "m"),
      many.env,
    )
  }
}

async function timed(
  projects: readonly Project[],
  rounds: number,
  acts: Readonly<Record<string, Act>>,
): Promise<Found[]> {
  const names = Object.keys(acts)
  const each = Object.values(acts).flatMap((act) =>
    projects.map((project) => async () => act(project)),
  )
  const times = (await allInTurn(rounds, each)).map(median)
  return names.map((name, at) => {
    const [one = Number.NaN, ...figures] = times.slice(
      at * projects.length,
      (at + 1) * projects.length,
    )
    return { name, one, figures, say: ms, least: 0.1, note: `median of ${rounds}` }
  })
}

/** All of them side by side: they do nothing. */
async function idle(
  root: string,
  projects: readonly Project[],
  how: { readonly settleMs: number; readonly watchMs: number },
): Promise<readonly Found[]> {
  const [one, ...many] = await Promise.all(
    projects.map(({ size, many }) => watchService(root, size, how, many)),
  )
  if (one === undefined) throw new Error("no service was watched")
  const note = `${how.settleMs / 1000} s after the start, in ${how.watchMs / 1000} s`
  return [
    {
      name: "idle memory",
      one: one.rssMiB,
      figures: many.map(({ rssMiB }) => rssMiB),
      say: (mib) => `${mib.toFixed(0)} MiB`,
      least: 0.1,
      note: `VmRSS ${note}`,
    },
    // The kernel counts ticks of 10 ms.
    {
      name: "idle CPU",
      one: one.cpuMsAMinute,
      figures: many.map(({ cpuMsAMinute }) => cpuMsAMinute),
      say: (cpuMs) => `${cpuMs} ms`,
      least: 10 * (60_000 / how.watchMs),
      note: `a minute, ${note}`,
    },
  ]
}

/** Every environment, by one command. */
async function rotated(root: string, projects: readonly Project[]): Promise<Found> {
  const [one = Number.NaN, ...figures] = projects.map(({ size, many }) => {
    const files = many.states.map((_, index) => join(many.folder, `e${index}.env`))
    const before = files.map((file) => readFileSync(file, "utf8"))
    const began = performance.now()
    run([join(root, "dist", "mycelium"), "rotate-now", "--all"], /rotated, v2 is current/, many.env)
    const took = performance.now() - began
    const versions = many.states.map(
      (path) =>
        (JSON.parse(readFileSync(path, "utf8")) as StateDocument).secrets["s0"]?.versions.find(
          ({ stage }) => stage.kind === "current",
        )?.id,
    )
    const left = files.filter(
      (file, index) => versions[index] !== "v2" || readFileSync(file, "utf8") === before[index],
    )
    if (left.length > 0) throw new Error(`${left.length} of ${size} environments were not rotated`)
    return took
  })
  return { name: "generated, all rotated at once", one, figures, say: ms, least: 0.1, note: "once" }
}

/** Figures that what one environment takes hides say nothing. */
const hidden = 0.1

/**
 * Least squares of the logarithms, of what is more than one environment takes; where hardly any is,
 * of the whole.
 */
function rowOf(sizes: readonly number[], { name, one, figures, say, least, note }: Found): Row {
  const all = sizes.map((size, index) => ({
    size,
    figure: Math.max(least, figures[index] ?? Number.NaN),
  }))
  const more = all
    .map(({ size, figure }) => ({ size, figure: figure - one }))
    .filter(({ figure }) => figure >= Math.max(least, hidden * one))
  const points = more.length < 2 ? all : more
  const exponent = slope(points)
  const said = sizes
    .map((size, index) => `${size.toLocaleString("en")}: ${say(figures[index] ?? Number.NaN)}`)
    .join(", ")
  return {
    row: `growth of ${name}`,
    ours: `n^${exponent.toFixed(2)} (${said})`,
    limit: "n^1",
    ratio: exponent,
    aim: "<= 1.05",
    met: exponent <= 1.05,
    note:
      `${more.length < 2 ? "the whole figures, which hardly grow" : `less what one environment takes, from ${points[0]?.size.toLocaleString("en")} on`} ` +
      `(one: ${say(one)}); the last step alone n^${slope(points.slice(-2)).toFixed(2)}; ${note}`,
    figures: Object.fromEntries([
      [1, one],
      ...sizes.map((size, index) => [size, figures[index] ?? Number.NaN]),
    ]),
  }
}

function slope(found: readonly { readonly size: number; readonly figure: number }[]): number {
  const points = found.map(({ size, figure }) => ({ x: Math.log(size), y: Math.log(figure) }))
  const mean = (pick: (point: { readonly x: number; readonly y: number }) => number): number =>
    points.reduce((sum, point) => sum + pick(point), 0) / points.length
  const [x, y] = [mean((point) => point.x), mean((point) => point.y)]
  return (
    points.reduce((sum, point) => sum + (point.x - x) * (point.y - y), 0) /
    points.reduce((sum, point) => sum + (point.x - x) ** 2, 0)
  )
}
