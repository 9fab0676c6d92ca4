import type { Faults, Plan } from "./world.ts"

/** What is explored: a plan, how many lives are asked to rotate, and what may go wrong. */
export type Job = { readonly plan: Plan; readonly asked: number; readonly faults: Faults }

/** Each kind of overlap alone. */
const single: readonly Plan[] = [
  { title: "none: no service asks", members: { gen: { kind: "none" } } },
  {
    title: "one, changed under the server's lock",
    members: { one: { kind: "one", guarded: true } },
  },
  { title: "one, changed without a lock", members: { one: { kind: "one" } } },
  {
    title: "one, whose older sessions end",
    members: { one: { kind: "one", guarded: true, endSessions: true } },
  },
  { title: "both under one user", members: { both: { kind: "both" } } },
  { title: "pair of roles in turn", members: { pair: { kind: "pair", guarded: true } } },
  { title: "pair, changed without a lock", members: { pair: { kind: "pair" } } },
  {
    title: "one, changed without a lock, whose older sessions end",
    members: { one: { kind: "one", endSessions: true } },
  },
]
/** Where the way goes back. */
const back: readonly Plan[] = [
  { title: "none, and a program gets sick", members: { gen: { kind: "none" } }, unhealthy: true },
  { title: "one, and a program gets sick", members: { one: { kind: "one" } }, unhealthy: true },
  { title: "both, and a program gets sick", members: { both: { kind: "both" } }, unhealthy: true },
  {
    title: "pair, and a program gets sick",
    members: { pair: { kind: "pair", guarded: true } },
    unhealthy: true,
  },
  {
    title: "one, whose service takes no new value",
    members: { one: { kind: "one", policy: true } },
  },
]
const contained: readonly Plan[] = [
  { title: "one, contained", members: { one: { kind: "one" } }, contain: { revokeFirst: false } },
  {
    title: "both, contained, cut first",
    members: { both: { kind: "both" } },
    contain: { revokeFirst: true },
  },
  {
    title: "pair, changed without a lock, contained by one incident after another",
    members: { pair: { kind: "pair" } },
    contain: { revokeFirst: false, anew: true },
  },
  {
    title: "both, all else taken away at once, by one incident after another",
    members: { both: { kind: "both", expels: true } },
    contain: { revokeFirst: false, anew: true },
  },
  {
    title: "pair, contained, cut first",
    members: { pair: { kind: "pair", guarded: true } },
    contain: { revokeFirst: true },
  },
]
/** Two in one .env, where one must wait for the other. */
const beside: readonly Plan[] = [
  { title: "one beside none", members: { one: { kind: "one" }, gen: { kind: "none" } } },
  { title: "one beside both", members: { one: { kind: "one" }, both: { kind: "both" } } },
  {
    title: "pair beside one",
    members: { pair: { kind: "pair", guarded: true }, one: { kind: "one" } },
  },
  { title: "one beside one", members: { one: { kind: "one" }, other: { kind: "one" } } },
  {
    title: "one beside none, and a program gets sick",
    members: { one: { kind: "one" }, gen: { kind: "none" } },
    unhealthy: true,
  },
  {
    title: "one beside both, and a program gets sick",
    members: { one: { kind: "one" }, both: { kind: "both" } },
    unhealthy: true,
  },
]

function jobsOf(
  plans: readonly Plan[],
  asked: number,
  [crashes = 0, late = 0, silences = 0, failures = 0]: readonly number[],
): readonly Job[] {
  return plans.map((plan) => ({ plan, asked, faults: { crashes, late, silences, failures } }))
}

/** What each run of the tests explores, in full within these bounds. */
export const short: readonly Job[] = [
  ...jobsOf(single, 1, [2, 1, 1]),
  ...jobsOf(single, 3, [1, 1]),
  ...jobsOf(single, 1, [1, 0, 0, 1]),
  ...jobsOf(back, 1, [2, 1]),
  ...jobsOf(back, 1, [1, 0, 0, 1]),
  ...jobsOf(contained, 2, [1, 1]),
  ...jobsOf(beside, 1, [1]),
]
/**
 * `--all`: a quarter of an hour of one core. Two kills, a late request and a silence or a failure,
 * one secret at a time, over as many as three rotations; two secrets at a time with two of these.
 */
export const long: readonly Job[] = [
  ...jobsOf(back, 1, [2, 1, 1]),
  ...jobsOf(back, 1, [2, 1, 0, 1]),
  ...jobsOf(contained, 2, [1, 1, 1]),
  ...jobsOf(contained, 2, [2, 1]),
  ...jobsOf(beside, 1, [2]),
  ...jobsOf(beside, 1, [1, 1]),
  ...jobsOf(beside, 1, [1, 0, 1]),
  ...jobsOf(single, 2, [2, 1, 0, 1]),
  ...jobsOf(single, 3, [2, 1, 1]),
]
