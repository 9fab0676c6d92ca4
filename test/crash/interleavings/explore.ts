import { always, atRest, inTheEnd } from "./invariants.ts"
import { type Act, Life } from "./life.ts"
import {
  type Faults,
  type Plan,
  type World,
  begin,
  carryOut,
  copyOf,
  keyOf,
  versionsOf,
} from "./world.ts"

/**
 * Every schedule, not a sample. At each instant at which a process waits for the outside,
 * everything that may happen next is tried: an act is done, or fails; the process is killed before
 * it, or while its request is on its way; a request that was lost lands; a service falls silent, or
 * answers again. A state that was seen is not gone into twice: it is the world, what may still go
 * wrong, and (for a process runs the same way on the same answers) the disk it began with and all
 * it was told.
 *
 * Lives follow each other, as the lock has it: one is asked to rotate; the next, asked again,
 * recovers first; all that come after only recover, as the service does.
 */
export type Found = {
  schedules: number
  states: number
  acts: number
  /** Lives that came to their end with a new current value. */
  rotated: number
  readonly wrong: Map<string, string>
}

/**
 * A world between two lives. `asked`: how many lives to come are asked to rotate. `past`: how it
 * came about, for people.
 */
type Between = { readonly world: World; readonly asked: number; readonly past: readonly string[] }
/** So many lives without a fault bring everything to rest. */
const quietLives = 4

export async function explore(plan: Plan, faults: Faults, asked: number): Promise<Found> {
  const found: Found = { schedules: 0, states: 0, acts: 0, rotated: 0, wrong: new Map() }
  const seen = new Set<bigint>()
  const judged = new Set<bigint>()
  const queue: Between[] = [{ world: begin(plan, faults), asked, past: [] }]
  for (let one = queue.pop(); one !== undefined; one = queue.pop()) {
    if (!isNew(seen, `${one.asked} ${keyOf(one.world, { faults: true })}`)) continue
    if (isNew(judged, keyOf(one.world, { faults: false }))) await judge(one, found)
    if (one.asked === 0 && !mayGoWrong(one.world)) continue
    for await (const next of livesFrom(one, found)) queue.push(next)
  }
  return found
}

function isNew(seen: Set<bigint>, key: string): boolean {
  const hash = BigInt(Bun.hash(key))
  if (seen.has(hash)) return false
  seen.add(hash)
  return true
}

function mayGoWrong({ left, flights, silent }: World): boolean {
  return (
    flights.length > 0 || silent !== undefined || Object.values(left).some((count) => count > 0)
  )
}

/** Every life that may begin here; yields the world that each leaves. */
async function* livesFrom(from: Between, found: Found): AsyncGenerator<Between> {
  const ask = from.asked > 0
  const seen = new Set<bigint>()
  let path: number[] = []
  for (;;) {
    const at = path
    const pick: Walk["pick"] = (_, depth, life) => {
      if (depth < at.length) return at[depth]
      if (!isNew(seen, stateOf(life))) return undefined
      found.states++
      return 0
    }
    const end = await live(from, { ask, found, pick, judgedUpTo: at.length })
    found.schedules++
    if (end.between !== undefined) yield end.between
    const { taken, open } = end
    let last = taken.length - 1
    while (last >= 0 && (taken[last] ?? 0) + 1 >= (open[last] ?? 0)) last--
    if (last < 0) return
    path = [...taken.slice(0, last), (taken[last] ?? 0) + 1]
  }
}

type Walk = {
  readonly ask: boolean
  readonly found: Found
  /** Which of the choices is taken; undefined: it is not gone on from here. */
  readonly pick: (choices: readonly Choice[], depth: number, life: Life) => number | undefined
  /** How many first choices had their states held against the laws before. */
  readonly judgedUpTo?: number
}
type Walked = {
  readonly taken: readonly number[]
  readonly open: readonly number[]
  readonly between?: Between
}

/** One life, until it ends or is not gone on with. */
async function live(from: Between, walk: Walk): Promise<Walked> {
  const { ask, found, pick, judgedUpTo = 0 } = walk
  const world = copyOf(from.world)
  const life = new Life(world, ask)
  const taken: number[] = []
  const open: number[] = []
  const past: string[] = [...from.past, ask ? "A RUN IS ASKED TO ROTATE" : "A RUN RECOVERS"]
  for (;;) {
    await turn()
    if (taken.length >= judgedUpTo) for (const fault of always(world)) note(found, fault, past)
    if (life.error !== undefined)
      note(
        found,
        "an unforeseen error: " +
          `${life.error instanceof Error ? life.error.message : String(life.error)}`,
        past,
      )
    if (life.over) {
      if (
        Object.keys(world.plan.members).some((name) =>
          versionsOf(world, name).some(({ id, stage }) => id !== "v1" && stage.kind === "current"),
        )
      )
        found.rotated++
      for (const fault of atRest(world)) note(found, fault, past)
      passGrace(world)
      return { taken, open, between: { world, asked: from.asked - (ask ? 1 : 0), past } }
    }
    const choices = choicesOf(life)
    const index = pick(choices, taken.length, life)
    if (index === undefined) return { taken, open }
    const choice = choices[index]
    if (choice === undefined)
      throw new Error(
        `there is no such choice; there are: ${choices.map(({ message }) => message).join(", ")}`,
      )
    taken.push(index)
    open.push(choices.length)
    past.push(choice.message)
    found.acts++
    choice.take()
    if (choice.ends === true)
      return { taken, open, between: { world, asked: from.asked - (ask ? 1 : 0), past } }
  }
}

/**
 * Time passes if a task waits for it; elsewhere the same world would look like another one
 * for ever.
 */
function passGrace(world: World): void {
  const graces = Object.keys(world.plan.members).flatMap((name) =>
    versionsOf(world, name).flatMap(({ stage }) =>
      stage.kind === "previous" ? [Date.parse(stage.revokeAt)] : [],
    ),
  )
  world.time = Math.max(world.time, ...graces)
}

/**
 * One schedule, the acts of each life apart by commas, as `note` wrote them down; or as far as it
 * matters, "and all goes well". What is wrong during it, and after it.
 */
export async function follow(
  plan: Plan,
  faults: Faults,
  lives: readonly string[],
): Promise<readonly string[]> {
  const found: Found = { schedules: 0, states: 0, acts: 0, rotated: 0, wrong: new Map() }
  let from: Between = { world: begin(plan, faults), asked: lives.length, past: [] }
  for (const acts of lives) {
    const steps = acts.split(", ")
    const well = steps.at(-1) === "and all goes well" ? steps.length - 1 : Number.POSITIVE_INFINITY
    const { between } = await live(from, {
      ask: from.asked > 0,
      found,
      pick: (choices, depth) =>
        depth >= well ? 0 : choices.findIndex(({ message }) => message === steps[depth]),
    })
    if (between === undefined) throw new Error("a life does not end")
    from = between
  }
  await judge(from, found)
  return [...found.wrong.keys()]
}

/** All promises that can go on have gone on. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function stateOf(life: Life): string {
  return `${keyOf(life.world, { faults: true })}${JSON.stringify([life.heard, life.waiting.map(({ place, kind }) => [place, kind])])}`
}

type Choice = { readonly message: string; readonly take: () => void; readonly ends?: true }

/** Everything that may happen now. The first is that all goes well. */
function choicesOf(life: Life): readonly Choice[] {
  const choices: Choice[] = []
  const pauses = life.waiting.filter(({ place }) => place === "clock")
  for (const act of [...life.waiting.filter((act) => !pauses.includes(act)), ...pauses])
    choices.push(...ofAct(life, act))
  if (life.world.left.crashes > 0)
    choices.push({ message: "KILLED", take: () => spend(life.world, "crashes"), ends: true })
  return choices
}

function ofAct(life: Life, act: Act): readonly Choice[] {
  const { world } = life
  const { left } = world
  const { place, kind, flight } = act
  const message = `${kind} ${place}`
  const good: Choice = { message, take: () => life.end(act, "carryOut") }
  if (world.plan.members[place] === undefined) {
    const mayFail = left.failures > 0 && (kind === "commit" || kind === "restart")
    return mayFail
      ? [
          good,
          {
            message: `${message} FAILS`,
            take: () => (spend(world, "failures"), life.end(act, "fail")),
          },
        ]
      : [good]
  }
  const unanswered: Choice = { message: `${message} unanswered`, take: () => life.end(act, "fail") }
  const choices: Choice[] = []
  if (world.silent === place)
    choices.push(unanswered, {
      message: `${place} ANSWERS AGAIN`,
      take: () => (world.silent = undefined),
    })
  else choices.push(good)
  world.flights.forEach((late, index) => {
    if (late.name !== place) return
    choices.push({
      message: `the late ${late.act} of ${place} LANDS`,
      take: () => {
        world.flights = world.flights.filter((_, other) => other !== index)
        carryOut(world, late)
      },
    })
  })
  if (world.silent === undefined && left.silences > 0)
    choices.push({
      message: `${place} FALLS SILENT`,
      take: () => (spend(world, "silences"), (world.silent = place)),
    })
  if (world.silent !== place && flight !== undefined && left.late > 0) {
    const lose = (): void => (
      spend(world, "late"), void (world.flights = [...world.flights, flight])
    )
    choices.push({
      message: `${message} UNANSWERED AND UNDER WAY`,
      take: () => (lose(), life.end(act, "fail")),
    })
    if (left.crashes > 0)
      choices.push({
        message: `KILLED WITH ${message} UNDER WAY`,
        take: () => (spend(world, "crashes"), lose()),
        ends: true,
      })
  }
  return choices
}

function spend(world: World, what: keyof Faults): void {
  world.left = { ...world.left, [what]: world.left[what] - 1 }
}

/** Without further faults: what is under way lands now, or never; then everything comes to rest. */
async function judge({ world, past }: Between, found: Found): Promise<void> {
  for (const lands of world.flights.length > 0 ? [true, false] : [false]) {
    const quiet = copyOf(world)
    if (lands) for (const flight of quiet.flights) carryOut(quiet, flight)
    quiet.flights = []
    quiet.silent = undefined
    quiet.left = { crashes: 0, late: 0, silences: 0, failures: 0 }
    let from: Between = {
      world: quiet,
      asked: 0,
      past: [...past, lands ? "WHAT WAS UNDER WAY LANDS, NO MORE FAULTS" : "NO MORE FAULTS"],
    }
    for (let life = 0; life < quietLives; life++) {
      const { between } = await live(from, {
        ask: world.plan.contain !== undefined,
        found: { ...found },
        pick: () => 0,
      })
      if (between !== undefined) from = between
    }
    for (const fault of inTheEnd(from.world)) note(found, fault, from.past)
  }
}

/** The shortest way to each fault is kept. */
function note(found: Found, fault: string, past: readonly string[]): void {
  const way = past.join("\n    ")
  const known = found.wrong.get(fault)
  if (known === undefined || way.length < known.length) found.wrong.set(fault, way)
}
