import type { Scenario } from "./explore.ts"
import type { ManagerFault } from "./manager.ts"
import type { Fault, Name } from "./world.ts"

/** An entry that shows values of services that take both, of one that takes one, and all of them. */
const entries: readonly (readonly Name[])[] = [["dual", "pair"], ["one"], ["dual", "one", "gen"]]

const faults: readonly { readonly title: string; readonly manager: ManagerFault }[] = [
  { title: "all well", manager: {} },
  { title: "someone else writes there", manager: { meddles: true } },
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
  { title: ", and a program gets sick", fault: { unhealthy: true } },
]

export const managerScenarios: readonly Scenario[] = entries.flatMap((shows) =>
  faults.flatMap(({ title, manager }) =>
    health.flatMap((sick): readonly Scenario[] => {
      const one = {
        title: `an entry of ${shows.join(", ")}: ${title}${sick.title}`,
        fault: { ...sick.fault, manager },
        entry: { shows },
      }
      const contain = { revokeFirst: false, intruder: true }
      return [one, { ...one, title: `${one.title}, contained`, contain }]
    }),
  ),
)
