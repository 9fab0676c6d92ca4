import type { Faults, Plan } from "./world.ts"

/** Each kind of overlap alone, and side by side where one must wait for another. */
export const plans: readonly Plan[] = [
  { title: "none: no service asks", members: { gen: { kind: "none" } } },
  { title: "one, changed under the server's lock", members: { one: { kind: "one", guarded: true } } },
  { title: "one, changed without a lock", members: { one: { kind: "one" } } },
  { title: "one, whose older sessions end", members: { one: { kind: "one", guarded: true, endSessions: true } } },
  { title: "both under one user", members: { both: { kind: "both" } } },
  { title: "pair of roles in turn", members: { pair: { kind: "pair", guarded: true } } },
  { title: "none, and a program gets sick", members: { gen: { kind: "none" } }, sick: true },
  { title: "one, and a program gets sick", members: { one: { kind: "one" } }, sick: true },
  { title: "both, and a program gets sick", members: { both: { kind: "both" } }, sick: true },
  { title: "pair, and a program gets sick", members: { pair: { kind: "pair", guarded: true } }, sick: true },
  { title: "one, whose service takes no new value", members: { one: { kind: "one", policy: true } } },
  { title: "one, contained", members: { one: { kind: "one" } }, contain: { cutFirst: false } },
  { title: "both, contained, cut first", members: { both: { kind: "both" } }, contain: { cutFirst: true } },
  { title: "pair, contained, cut first", members: { pair: { kind: "pair", guarded: true } }, contain: { cutFirst: true } },
  { title: "one beside none", members: { one: { kind: "one" }, gen: { kind: "none" } } },
  { title: "one beside both", members: { one: { kind: "one" }, both: { kind: "both" } } },
  { title: "pair beside one", members: { pair: { kind: "pair", guarded: true }, one: { kind: "one" } } },
  { title: "one beside one", members: { one: { kind: "one" }, other: { kind: "one" } } },
  { title: "one beside none, and a program gets sick", members: { one: { kind: "one" }, gen: { kind: "none" } }, sick: true },
  { title: "one beside both, and a program gets sick", members: { one: { kind: "one" }, both: { kind: "both" } }, sick: true },
]
export const faults: Faults = { crashes: 2, late: 1, silences: 1, failures: 0 }
