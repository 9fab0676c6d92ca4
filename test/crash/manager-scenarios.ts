import type { Scenario } from "./scenarios.ts"
import type { ManagerFault } from "./manager.ts"
import type { Fault, Name, Program } from "./world.ts"

/** An entry that shows values of services that take both, of one that takes one, and all of them. */
const entries: readonly { readonly shows: readonly Name[]; readonly reader?: Program }[] = [
  { shows: ["dual", "pair"] },
  { shows: ["dual", "pair"], reader: "api" },
  { shows: ["one"] },
  { shows: ["dual", "one", "gen"], reader: "web" },
]
function nameOf({ shows, reader }: (typeof entries)[number]): string {
  return `an entry of ${shows.join(", ")}${reader === undefined ? "" : ` that ${reader} reads`}`
}

const faults: readonly { readonly title: string; readonly manager: ManagerFault }[] = [
  { title: "all well", manager: {} },
  { title: "another program writes there", manager: { meddles: true } },
  { title: "a write takes two calls", manager: { stages: true } },
  ...[3, 4, 5, 6].map((from) => ({
    title: `a write takes two calls, silent from call ${from} on`,
    manager: { stages: true as const, silent: { from } },
  })),
  ...[1, 2].flatMap((write) => [
    { title: `the answer of write ${write} is lost`, manager: { loses: { write } } },
    ...[1, 2, 4, 9].map((late) => ({
      title: `the answer of write ${write} is lost, and it lands ${late} calls later`,
      manager: { loses: { write, late } },
    })),
    {
      title: `the answer of write ${write} is lost, and it lands in the end`,
      manager: { loses: { write, late: 1000 } },
    },
  ]),
  ...[1, 2, 3, 4, 5].flatMap((from) => [
    { title: `silent from call ${from} on`, manager: { silent: { from } } },
    {
      title: `silent from call ${from} on, and takes what it is sent`,
      manager: { silent: { from, lands: true as const } },
    },
    { title: `silent at call ${from}`, manager: { silent: { from, to: from + 1 } } },
  ]),
]

const health: readonly { readonly title: string; readonly fault: Fault }[] = [
  { title: "", fault: {} },
  { title: ", and a program becomes unhealthy", fault: { unhealthy: true } },
]

/**
 * What a process that is killed has sent lands later; the manager goes away at the crash; an
 * incident follows.
 */
const sinceTheCrash: readonly Scenario[] = entries.flatMap((entry) => {
  const silent: Fault = { manager: { silent: { from: 1 } } }
  const contain = { revokeFirst: false, intruder: false, after: "rotation" } as const
  return health.flatMap(({ title, fault }): readonly Scenario[] => {
    const name = `${nameOf(entry)}${title}`
    const later = { ...fault, ...silent }
    return [
      ...[1, 3, 8, 1000].map((ghostDelay) => ({
        title: `${name}; what was sent lands ${ghostDelay} calls after the crash`,
        fault,
        ghostDelay,
        entry,
      })),
      { title: `${name}; the manager is silent since the crash`, fault, later, entry },
      { title: `${name}; contained after a crash`, fault, entry, contain },
      {
        title: `${name}; contained after a crash while the manager is silent`,
        fault,
        later,
        entry,
        contain,
      },
      {
        title: `${name}; contained after a crash whose write lands late`,
        fault,
        ghostDelay: 6,
        entry,
        contain,
      },
      {
        title: `${name}; contained while a rotation waits for the manager`,
        fault: { ...fault, manager: { silent: { from: 3 } } },
        entry,
        contain,
      },
    ]
  })
})

const whileItRuns: readonly Scenario[] = entries.flatMap((entry) =>
  faults.flatMap(({ title, manager }) =>
    health.flatMap((unhealthy): readonly Scenario[] => {
      const one = {
        title: `${nameOf(entry)}: ${title}${unhealthy.title}`,
        fault: { ...unhealthy.fault, manager },
        entry,
      }
      const contain = { revokeFirst: false, intruder: true }
      return [one, { ...one, title: `${one.title}, contained`, contain }]
    }),
  ),
)

/**
 * A manager that compares nothing. (Others who write at the same moment as we do, and a request that lands when all is over: it
 * cannot exclude either.)
 */
const comparesNothing: readonly Scenario[] = entries.slice(1, 3).flatMap((entry) =>
  [
    { title: "all well", manager: {} },
    { title: "the answer of write 1 is lost", manager: { loses: { write: 1 } } },
    {
      title: "the answer of write 1 is lost, and it lands 2 calls later",
      manager: { loses: { write: 1, late: 2 } },
    },
    { title: "the answer of write 2 is lost", manager: { loses: { write: 2 } } },
    {
      title: "silent from call 4 on, and takes what it is sent",
      manager: { silent: { from: 4, lands: true as const } },
    },
    { title: "silent at call 4", manager: { silent: { from: 4, to: 5 } } },
  ].flatMap(({ title, manager }) =>
    health.map(
      (sick): Scenario => ({
        title: `${nameOf(entry)} at a manager that compares nothing: ${title}${sick.title}`,
        fault: { ...sick.fault, manager: { ...manager, uncompared: true } },
        entry,
      }),
    ),
  ),
)

export const managerScenarios: readonly Scenario[] = [
  ...sinceTheCrash,
  ...whileItRuns,
  ...comparesNothing,
]
