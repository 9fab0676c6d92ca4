import { openSetOf, openSets, isDeferrable } from "../../src/core/change-set.ts"
import { revokeBesideJournal } from "../../src/rotate/revoke/beside.ts"
import { revokeOwed } from "../../src/rotate/revoke.ts"
import { makeWay, defer, asJournal, withJournal } from "../../src/rotate/defer.ts"
import { mayMakeWay, mayOvertake, recover, takeBackJournal } from "../../src/rotate/recover.ts"
import type { Outcomes } from "../../src/rotate/work.ts"
import type { Order } from "../../src/rotate/order.ts"
import { rotate } from "../../src/rotate/rotate.ts"
import { resume } from "../../src/rotate/resume.ts"
import { settleUnwritten } from "../../src/rotate/unwritten/settle.ts"
import { dropStaged } from "../../src/rotate/stage.ts"
import { Session } from "../../src/rotate/session.ts"
import { Manager, entryId, foreignKey } from "./manager.ts"
import { type Fault, type Name, type Program, World, names, programs } from "./world.ts"

export type Ask = Omit<Order, "secrets">

/** One run of a process, as the service does it: end the journal, revoke what is owed, rotate if asked. */
export async function run(
  world: World,
  ask: boolean | Ask,
  cutAt?: number,
): Promise<{ readonly died: boolean; readonly instants: number; readonly outcomes: Outcomes }> {
  const { work, died, process } = world.start(cutAt)
  const life = (async (): Promise<Outcomes> => {
    const first = await Session.load(work)
    world.contained ||= typeof ask === "object" && ask.contain !== undefined
    const noWait = typeof ask === "object" && ask.contain !== undefined
    first.document = withJournal(first.document)
    await dropStaged(first)
    const { session, recovered: ended } = await recover(first, {
      begin: (_set, document, like) => new Session(work, document, like),
      resume: (one) => resume(one, { noWait }),
    })
    const { serial } = session.document
    if (noWait && mayMakeWay(session)) session.document = makeWay(session.document)
    if (session.changeSet !== undefined) {
      await revokeBesideJournal(session, {
        begin: (document) => new Session(work, document, session),
        waits: () => undefined,
        options: { skipGrace: false },
      })
      return ended
    }
    // A containment asks again, before all else, about what was put aside.
    const recovered = noWait ? { ...ended, ...(await resumeDeferred(session)) } : ended
    await revokeOwed(session, { skipGrace: false })
    const overtakes = world.asked.filter((name) => mayOvertake(session, name, recovered[name]))
    const secrets =
      ask === true || ask === false
        ? world.asked
        : world.asked
            .filter((name) => !session.isOpen(name) || overtakes.includes(name))
            .filter((name) => session.state(name).contained?.incident !== ask.incident)
    const outcomes =
      ask === false || secrets.length === 0
        ? {}
        : await rotate(session, {
            secrets,
            ...(ask === true ? ({ why: "due" } as const) : { ...ask, overtakes }),
          })
    if (session.changeSet === undefined) await revokeOwed(session, { skipGrace: false })
    await settleUnwritten(session)
    await takeBackJournal(session, serial)
    return { ...recovered, ...outcomes, ...(await resumeDeferred(session)) }
  })()
  const end = await Promise.race([life, died])
  return { died: end === "died", instants: process.instants, outcomes: end === "died" ? {} : end }
}

/** As app/environment.ts does. */
export async function resumeDeferred(session: Session): Promise<Outcomes> {
  let all: Outcomes = {}
  const aside = (session.document.deferred ?? []).filter(isDeferrable)
  for (const set of session.changeSet === undefined ? aside : []) {
    const one = new Session(session.work, asJournal(session.document, set), session)
    all = { ...all, ...(await resume(one)) }
    if (one.document.serial === session.document.serial) continue
    await defer(one)
    session.document = one.document
    if (session.changeSet !== undefined) break
  }
  return all
}

/** What nobody tells us of. */
const byAPerson = "set by a person"

/** What must hold at every instant, also in the middle: a credential that works is on disk. */
export function lost(world: World): readonly string[] {
  // What nobody has told us of is nobody's to keep, until it is overwritten.
  return names
    .filter(
      (name) =>
        !(world.unknown && world.holdsFirst(name)) &&
        !(name === "one" && world.one === byAPerson) &&
        !world.versions(name).some(({ credential }) => world.accepts(name, credential)),
    )
    .map((name) => `LOST ${name}`)
}

/** No value that was handed to a service is erased. */
export function erased(world: World): readonly string[] {
  return names.flatMap((name) =>
    [...(world.everHanded[name] ?? [])]
      .filter((value) => !world.versions(name).some(({ version }) => version.sealed === value))
      .map(() => `ERASED a value of ${name}`),
  )
}

/**
 * What must hold at rest: no journal, nothing owed, exactly one live value, equal to what every
 * output and program shows.
 */
export function unrest(world: World): readonly string[] {
  const faults = [...lost(world), ...erased(world)]
  for (const target of world.undeclared)
    faults.push(`a restart without ${target}, which no journal said before`)
  for (const place of world.spoiled)
    faults.push(`${place} showed a value that works, and then one that does not`)
  for (const place of world.cutReaders)
    faults.push(`${place} was taken away while a reader of the entry could have it`)
  faults.push(...strayed(world))
  if (openSets(world.stored).length > 0) faults.push("a journal is open")
  if (world.dual.size !== 1) faults.push(`dual accepts ${world.dual.size}`)
  if (Object.values(world.pair).filter((value) => value !== "").length !== 1)
    faults.push("both of the pair are live")
  for (const name of names) {
    const current = world.versions(name).filter(({ version }) => version.stage.kind === "current")
    const [one] = current
    if (one === undefined || current.length !== 1)
      faults.push(`${name} has ${current.length} current versions`)
    else {
      if (!world.accepts(name, one.credential)) faults.push(`current of ${name} is dead`)
      const shown = `${one.version.clear["user"] ?? ""}:${one.version.sealed}`
      for (const [place, values] of [
        ...Object.entries(world.manager === undefined ? {} : { [entryId]: world.manager.content }),
        ...Object.entries(world.files),
        ...Object.entries(world.programs),
      ]) {
        if (values[name] !== undefined && values[name] !== shown && !isOwed(world, name, place))
          faults.push(`${place} shows another ${name}`)
      }
    }
    for (const { version } of world.versions(name))
      if (["pending", "uncertain", "previous"].includes(version.stage.kind))
        faults.push(`${name} ${version.id} is left ${version.stage.kind}`)
  }
  for (const [name, kind] of world.late)
    if (kind !== "over") faults.push(`a login of ${name} that was under way is ${kind}`)
  world.log.forEach((line, index) => {
    if ((JSON.parse(line) as { n: number }).n !== index + 1) faults.push("the log has a gap")
  })
  return faults
}

/** Programs on this machine that hold a value which their service refuses. */
function cutOff(world: World): readonly string[] {
  return Object.entries(world.programs).flatMap(([program, values]) =>
    names
      .filter((name) => values[name] !== undefined && !world.takes(name, values[name]))
      .filter((name) => !isOwed(world, name, program))
      .map((name) => `${program} holds a dead ${name}`),
  )
}

/** What the manager must not have come to. */
function strayed({ manager, fault }: World): readonly string[] {
  if (manager === undefined) return []
  const others = manager.others === 0 ? undefined : `o${manager.others}`
  return [
    ...(manager.content[foreignKey] === others ? [] : ["a write of someone else is lost"]),
    ...(manager.staged.length === 0 || fault.manager?.silent !== undefined
      ? []
      : ["something staged is left at the manager"]),
  ]
}

/** The state says that this output, or this program, does not show the current value. */
function isOwed(world: World, name: string, place: string): boolean {
  const owed = world.stored.secrets[name]?.unwritten
  return owed !== undefined && (place in owed.outputs || owed.programs.includes(place))
}

/** What the state says to be owed though it was not to be. */
export function owed(world: World): readonly string[] {
  return names.flatMap((name) =>
    world.stored.secrets[name]?.unwritten === undefined ? [] : [`${name} owes an output`],
  )
}

export type Scenario = {
  readonly title: string
  readonly fault: Fault
  /** The fault as it stands after the crash; the same if left out. */
  readonly later?: Fault
  readonly ghostDelay?: number
  readonly noWait?: boolean
  /** How long the disk takes. */
  readonly diskTurns?: number
  /** The service of one fails over after the crash, to a server that has not heard of a new value. */
  readonly failsOver?: true
  /** What is silent after the crash stays so for longer than a grace. */
  readonly outlastsGrace?: true
  /** One secret is rotated, and no other. */
  readonly alone?: Name
  /** What an entry shows, and the program that reads it beside its file. */
  readonly entry?: { readonly shows: readonly Name[]; readonly reader?: Program }
  /** A containment; of a world in which somebody else has set values of his own. */
  readonly contain?: {
    readonly revokeFirst: boolean
    readonly intruder: boolean /** No value was adopted. */
    readonly unknown?: true
    /** What is cut is a rotation; the containment comes after it. */
    readonly after?: "rotation"
    /** An admin sets values over whatever is there. */
    readonly admin?: true
    /** After the crash, where its rotation is not finished, a person changes one; later they set it back. */
    readonly changed?: true
  }
}

export const scenarios: readonly Scenario[] = [
  { title: "all well", fault: {} },
  { title: "nobody is waited for", fault: {}, noWait: true },
  {
    title: "nobody is waited for, and a program gets sick",
    fault: { unhealthy: true },
    noWait: true,
  },
  { title: "a policy refuses one", fault: { policy: "one" } },
  { title: "the reply of one is lost", fault: { lostReply: "one" } },
  { title: "the reply of the pair is lost", fault: { lostReply: "pair" } },
  { title: "the reply of dual is lost", fault: { lostReply: "dual" } },
  { title: "one is silent for a while", fault: { silent: { name: "one", calls: 4 } }, later: {} },
  { title: "dual is silent for a while", fault: { silent: { name: "dual", calls: 3 } }, later: {} },
  ...(["one", "dual", "pair"] as const).map(
    (name): Scenario => ({
      title: `${name} is silent since the crash`,
      fault: {},
      later: { silent: { name, calls: 1000 } },
    }),
  ),
  ...(["one", "dual"] as const).map(
    (name): Scenario => ({
      title: `${name} is silent since the crash, and the disk was slow`,
      fault: {},
      later: { silent: { name, calls: 1000 } },
      diskTurns: 40,
    }),
  ),
  ...[false, true].flatMap((unhealthy) =>
    (["one", "dual", "pair"] as const).map(
      (name): Scenario => ({
        title:
          `${name} is silent for longer than a grace since the ` +
          `crash${unhealthy ? ", and a program is sick" : ""}`,
        fault: unhealthy ? { unhealthy } : {},
        later: { ...(unhealthy ? { unhealthy } : {}), silent: { name, calls: 1000 } },
        outlastsGrace: true,
      }),
    ),
  ),
  { title: "a program gets sick with new values", fault: { unhealthy: true } },
  { title: "the first program gets sick with new values", fault: { firstSick: true } },
  { title: "a program is sick once", fault: { unhealthy: true }, later: {} },
  { title: "the second output cannot be written", fault: { outputFails: 2 } },
  { title: "the disk is slow", fault: {}, diskTurns: 40 },
  { title: "the disk is slow, and a program gets sick", fault: { unhealthy: true }, diskTurns: 40 },
  {
    title: "the disk is slow, and the second output cannot be written",
    fault: { outputFails: 2 },
    diskTurns: 40,
  },
  ...[1, 2, 9].flatMap((calls) =>
    [0, 40].map(
      (diskTurns): Scenario => ({
        title:
          `the new value of one gets no answer ${calls} ` +
          `times${diskTurns > 0 ? ", and the disk is slow" : ""}`,
        fault: { unproven: { name: "one", calls } },
        later: {},
        diskTurns,
      }),
    ),
  ),
  ...[undefined, "one" as const].flatMap((alone): Scenario[] => [
    {
      title: `one${alone === undefined ? "" : ", alone,"} fails over, and refuses the new value from then on`,
      fault: {},
      later: { policy: "one" },
      failsOver: true,
      ...(alone === undefined ? {} : { alone }),
    },
    {
      title: `one${alone === undefined ? "" : ", alone,"} fails over, and takes the new value again`,
      fault: {},
      failsOver: true,
      ...(alone === undefined ? {} : { alone }),
    },
  ]),
  {
    title: "sick, and one is silent on the way back",
    fault: { unhealthy: true, silent: { name: "one", calls: 0 } },
  },
  ...[1, 2, 3, 4, 6].map((delay) => ({
    title: `an apply lands ${delay} calls after its client died`,
    fault: {},
    ghostDelay: delay,
  })),
  { title: "one accepts anything while we recover", fault: {}, later: { openDoor: "one" } },
  {
    title: "sick, and one accepts anything while we recover",
    fault: { unhealthy: true },
    later: { unhealthy: true, openDoor: "one" },
  },
  ...[3, 5, 8, 12].map((calls) => ({
    title: `each apply of one gets no reply and lands ${calls} calls later`,
    fault: { slow: { name: "one", calls } } as Fault,
    later: {},
  })),
  ...[false, true].flatMap((revokeFirst) =>
    [false, true].flatMap((intruder) => {
      const contain = { revokeFirst, intruder }
      const title = `contained${revokeFirst ? ", cut first" : ""}${intruder ? ", with an intruder's values" : ""}`
      return [
        { title, fault: {}, contain },
        { title: `${title}, a program gets sick`, fault: { unhealthy: true }, contain },
        {
          title: `${title}, one is silent for a while`,
          fault: { silent: { name: "one", calls: 4 } } as Fault,
          later: {},
          contain,
        },
        { title: `${title}, an apply lands 3 calls late`, fault: {}, ghostDelay: 3, contain },
      ]
    }),
  ),
  ...[false, true].flatMap((revokeFirst): readonly Scenario[] => {
    const contain = { revokeFirst, intruder: true, unknown: true } as const
    const title = `contained though nothing was adopted${revokeFirst ? ", cut first" : ""}`
    return [
      { title, fault: {}, contain },
      {
        title: `${title}, one is silent for a while`,
        fault: { silent: { name: "one", calls: 4 } },
        later: {},
        contain,
      },
    ]
  }),
  ...[false, true].flatMap((revokeFirst): readonly Scenario[] =>
    ["/env/a", "/env/b"].flatMap((target): readonly Scenario[] => {
      const contain = { revokeFirst, intruder: true } as const
      const refuses = (from: number): Fault => ({ refuses: { target, from } })
      const title = `contained${revokeFirst ? ", cut first" : ""}, ${target} cannot be written`
      return [
        ...[1, 3, 5, 6].map((from) => ({
          title: `${title} from call ${from}`,
          fault: refuses(from),
          contain,
        })),
        {
          title: `${title}, which its rename shows first`,
          fault: { refuses: { target, from: 1, renames: true } },
          contain,
        },
        { title: `${title} since the crash`, fault: {}, later: refuses(1), contain },
        { title: `${title} until the crash`, fault: refuses(1), later: {}, contain },
        {
          title: `a rotation is cut, then ${title}`,
          fault: {},
          later: refuses(1),
          contain: { ...contain, after: "rotation" },
        },
        {
          title: `a rotation goes back and is cut, then ${title}`,
          fault: { unhealthy: true },
          later: refuses(1),
          contain: { ...contain, after: "rotation" },
        },
      ]
    }),
  ),
  ...[false, true].flatMap((unhealthy): readonly Scenario[] =>
    [undefined, true as const].flatMap((admin): readonly Scenario[] => {
      const contain = {
        revokeFirst: false,
        intruder: admin === true,
        after: "rotation",
        ...(admin === undefined ? {} : { admin }),
      } as const
      const fault: Fault = unhealthy ? { unhealthy } : {}
      const title =
        `a rotation${unhealthy ? " goes back and" : ""} is cut; ` +
        `contained${admin === true ? " by admins" : ""}`
      return [
        ...(["one", "dual", "pair"] as const).map(
          (name): Scenario => ({
            title: `${title} while ${name} is silent`,
            fault,
            later: { ...fault, silent: { name, calls: 1000 } },
            contain,
          }),
        ),
        {
          title: `${title} though a person has changed one`,
          fault,
          contain: { ...contain, changed: true },
        },
      ]
    }),
  ),
  ...[1, 2, 3, 6, 9, 12, 15, 18, 24, 30].map((delay) => ({
    title: `sick, and an apply lands ${delay} calls late`,
    fault: { unhealthy: true } as Fault,
    ghostDelay: delay,
  })),
]

/**
 * `states`: the different worlds that cuts left. Many a cut leaves the world of another: between
 * two acts nothing changes.
 */
export type Found = { cuts: number; states: number; readonly wrong: Map<string, number> }

/** The deadlines of what was cut run out only where timers have their turn. */
function letTimersRun(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** After which first cuts each second one is explored, too. */
export type Chooses = (scenario: Scenario, first: number) => boolean
export const none: Chooses = () => false

/**
 * Cuts one rotation at each instant (and the recovery at each of its own, where `secondAfter` says
 * so), recovers, and judges: once for each world that a cut leaves.
 */
export async function explore(
  scenario: Scenario,
  secondAfter: Chooses,
  found: Found,
): Promise<void> {
  const note = (text: string): void =>
    void found.wrong.set(
      `${scenario.title}: ${text}`,
      (found.wrong.get(`${scenario.title}: ${text}`) ?? 0) + 1,
    )
  const cutOnce = new Set<string>()
  const judged = new Set<string>()
  for (let first = 0; ; first++) {
    const world = begin(scenario)
    const { died } = await run(world, cut(scenario), first)
    if (!died) {
      if (scenario.contain?.after !== undefined) world.fault = scenario.later ?? scenario.fault
      await judge(world, scenario, note)
      return
    }
    found.cuts++
    await letTimersRun()
    if (!isNew(cutOnce, world.key)) continue
    found.states++
    for (const fault of [...lost(world), ...erased(world)]) note(`after a cut: ${fault}`)
    failOver(world, scenario)
    change(world, scenario)
    world.fault = scenario.later ?? scenario.fault
    if (secondAfter(scenario, first)) await exploreSecond(scenario, { world, judged }, found, note)
    if (isNew(judged, world.key)) await judge(world, scenario, note)
  }
}

function isNew(seen: Set<string>, key: string): boolean {
  const before = seen.size
  return seen.add(key).size > before
}

/** A supervisor restarts a program at each instant of one rotation. */
export async function exploreSupervised(scenario: Scenario, found: Found): Promise<void> {
  for (const program of programs) {
    for (let at = 0, instants = 1; at < instants; at++) {
      const one = {
        ...scenario,
        title: `${scenario.title}; ${program} is restarted by its supervisor`,
        later: scenario.later ?? scenario.fault,
      }
      const world = begin({ ...one, fault: { ...scenario.fault, supervised: { program, at } } })
      instants = (await run(world, asked(one))).instants
      found.cuts++
      world.fault = one.later
      await judge(
        world,
        one,
        (text) =>
          void found.wrong.set(
            `${one.title}: ${text}`,
            (found.wrong.get(`${one.title}: ${text}`) ?? 0) + 1,
          ),
      )
    }
  }
}

async function exploreSecond(
  scenario: Scenario,
  left: { readonly world: World; readonly judged: Set<string> },
  found: Found,
  note: (text: string) => void,
): Promise<void> {
  for (let second = 0; ; second++) {
    const world = left.world.copy()
    const { died } = await run(
      world,
      scenario.contain?.after === undefined ? false : asked(scenario),
      second,
    )
    if (!died) return
    found.cuts++
    await letTimersRun()
    if (!isNew(left.judged, world.key)) continue
    found.states++
    for (const fault of [...lost(world), ...erased(world)]) note(`after a second cut: ${fault}`)
    await judge(world, scenario, note)
  }
}

/**
 * What its programs were proven to hold is no longer new, and a server that loses it is no matter
 * of this rotation.
 */
function failOver(world: World, { failsOver }: Scenario): void {
  if (failsOver === true && openSets(world.stored).some(({ secrets }) => secrets.includes("one")))
    world.one = "s0"
}

function change(world: World, { contain }: Scenario): void {
  if (
    contain?.changed === true &&
    openSets(world.stored).some(({ secrets }) => secrets.includes("one"))
  )
    world.one = byAPerson
}

export function asked({ contain }: Scenario): true | Ask {
  return contain === undefined
    ? true
    : { why: "incident", incident: "leak", contain: { revokeFirst: contain.revokeFirst } }
}

/** What is cut. */
function cut(scenario: Scenario): true | Ask {
  return scenario.contain?.after === "rotation" ? true : asked(scenario)
}

export function begin(scenario: Scenario): World {
  const world = new World()
  world.fault = scenario.fault
  world.ghostDelay = scenario.ghostDelay ?? 0
  world.noWait = scenario.noWait ?? false
  world.diskTurns = scenario.diskTurns ?? 0
  if (scenario.alone !== undefined) world.asked = [scenario.alone]
  world.expels = scenario.contain?.intruder ?? false
  world.admin = scenario.contain?.admin ?? false
  if (scenario.entry !== undefined) {
    const { shows, reader } = scenario.entry
    const all = world.files["/env/a"] ?? {}
    world.manager = new Manager(
      shows,
      Object.fromEntries(shows.map((name) => [name, all[name] ?? ""])),
    )
    world.entryReader = reader
  }
  if (scenario.contain?.unknown === true) {
    world.unknown = true
    const { gen } = world.stored.secrets
    world.stored = { ...world.stored, secrets: gen === undefined ? {} : { gen } }
  }
  if (scenario.contain?.intruder === true) {
    world.dual.add("set by an intruder")
    world.pair["green"] = "set by an intruder"
    for (const name of ["pair", "dual", "one"]) world.late.set(name, "under way")
  }
  return world
}

/** A containment goes on with all whose service answers, whatever keeps a rotation open. */
function heldUp(world: World, { contain, later }: Scenario): readonly string[] {
  if (contain?.after === undefined) return []
  const silent = later?.silent?.name ?? (contain.changed === true ? "one" : undefined)
  if (silent === undefined) return []
  const others = names.filter((name) => name !== silent || (contain.changed && contain.admin))
  return others
    .filter((name) => contain.admin === true || openSetOf(world.stored, name) === undefined)
    .filter((name) => world.stored.secrets[name]?.contained === undefined)
    .map((name) => `${name} is not contained while ${silent} keeps a rotation open`)
}

/** What no open rotation has in hand is revoked once its grace is over, however long that one stays open. */
function unrevoked(world: World, { outlastsGrace, later }: Scenario): readonly string[] {
  if (outlastsGrace !== true) return []
  return names
    .filter((name) => name !== later?.silent?.name && openSetOf(world.stored, name) === undefined)
    .flatMap((name) => world.versions(name).map(({ version }) => ({ name, version })))
    .filter(({ version }) => ["previous", "uncertain"].includes(version.stage.kind))
    .map(({ name, version }) => `${name} ${version.id} is not revoked beside an open rotation`)
}

/**
 * Recovers as the service does (a few turns, then the grace is over), and holds the rest against
 * the laws.
 */
export async function judge(
  world: World,
  scenario: Scenario,
  note: (text: string) => void,
): Promise<void> {
  world.ghostDelay = 0
  for (let turn = 0; turn < 4; turn++) {
    // Whoever contains calls again until it is done; the same incident does nothing twice.
    await run(world, scenario.contain === undefined ? false : asked(scenario))
    for (const fault of lost(world)) note(`between turns: ${fault}`)
    // What was silent until now has a grace of its own.
    if (turn === 1 || turn === 2) world.time += 3_600_000
    if (turn === 0 && scenario.outlastsGrace === true) world.time += 3_600_000
    if (turn === 1) for (const fault of unrevoked(world, scenario)) note(fault)
    if (turn === 1) for (const fault of heldUp(world, scenario)) note(fault)
    if (turn === 1 && world.one === byAPerson) world.one = "s0"
    if (turn === 1) {
      const { openDoor: _, silent: __, ...rest } = scenario.later ?? scenario.fault
      world.fault = rest
    }
  }
  // While a manager is silent, a set may wait for it; what must hold in the middle holds.
  const waits = world.fault.manager?.silent !== undefined && scenario.contain === undefined
  const atRest = waits ? [...lost(world), ...erased(world), ...cutOff(world)] : unrest(world)
  for (const fault of atRest) note(fault)
  // Once it can be written again, nothing is owed.
  if (world.fault.refuses !== undefined || world.fault.manager?.silent !== undefined) {
    world.fault = {}
    await run(world, false)
    world.time += 3_600_000
    await run(world, false)
  }
  world.manager?.flush(world.time)
  for (const fault of [...unrest(world), ...owed(world)]) note(`in the end: ${fault}`)
  const most = scenario.contain?.after === undefined ? 2 : 3
  const made = (name: Name): number => world.versions(name).length
  for (const name of names)
    if (made(name) > most) note(`${name} was rotated ${made(name) - 1} times`)
}
