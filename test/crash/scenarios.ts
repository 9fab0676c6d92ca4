import type { Fault, Name, Program } from "./world.ts"

/** What a rotation or a containment is put through while it is cut. */

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
  /** A containment. `intruder`: an intruder has set values of their own. */
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
  { title: "no service is waited for", fault: {}, noWait: true },
  {
    title: "no service is waited for, and a program becomes unhealthy",
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
          `crash${unhealthy ? ", and a program is unhealthy" : ""}`,
        fault: unhealthy ? { unhealthy } : {},
        later: { ...(unhealthy ? { unhealthy } : {}), silent: { name, calls: 1000 } },
        outlastsGrace: true,
      }),
    ),
  ),
  { title: "a program becomes unhealthy with new values", fault: { unhealthy: true } },
  { title: "the first program becomes unhealthy with new values", fault: { firstUnhealthy: true } },
  { title: "a program is unhealthy once", fault: { unhealthy: true }, later: {} },
  { title: "the second output cannot be written", fault: { outputFails: 2 } },
  { title: "the disk is slow", fault: {}, diskTurns: 40 },
  {
    title: "the disk is slow, and a program becomes unhealthy",
    fault: { unhealthy: true },
    diskTurns: 40,
  },
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
    title: "unhealthy, and one is silent on the way back",
    fault: { unhealthy: true, silent: { name: "one", calls: 0 } },
  },
  ...[1, 2, 3, 4, 6].map((delay) => ({
    title: `an apply lands ${delay} calls after its client died`,
    fault: {},
    ghostDelay: delay,
  })),
  { title: "one accepts anything during the recovery", fault: {}, later: { openDoor: "one" } },
  {
    title: "unhealthy, and one accepts anything during the recovery",
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
      const title = `contained${revokeFirst ? ", revoked first" : ""}${intruder ? ", with an intruder's values" : ""}`
      return [
        { title, fault: {}, contain },
        { title: `${title}, a program becomes unhealthy`, fault: { unhealthy: true }, contain },
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
    const title = `contained though nothing was adopted${revokeFirst ? ", revoked first" : ""}`
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
      const title = `contained${revokeFirst ? ", revoked first" : ""}, ${target} cannot be written`
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
    title: `unhealthy, and an apply lands ${delay} calls late`,
    fault: { unhealthy: true } as Fault,
    ghostDelay: delay,
  })),
]
