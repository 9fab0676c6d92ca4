import { describe, expect, test } from "bun:test"
import type { SecretState, StateDocument } from "../../src/core/state.ts"
import type { ChangeSet, Waits } from "../../src/core/change-set.ts"
import { isState } from "../../src/record/state-shape.ts"

/** Every field has to stand here: a new one that is left out is an error of the types. */
type Whole<Part> = { readonly [Key in keyof Required<Part>]: Exclude<Part[Key], undefined> }

const at = "2026-11-24T09:10:00.000Z"
const refusal = { code: "c", message: "m", hint: "h" }
const location = { boot: "b", namespace: "n", machine: "m", init: true } as const

const secret: Whole<SecretState> = {
  driver: "postgres",
  logins: ["postgresql://db:5432 role shop"],
  versions: (
    [
      { kind: "pending", proven: false },
      { kind: "current" },
      { kind: "previous", since: at, revokeAt: at, endSessions: true, revokeOthers: true },
      { kind: "uncertain", why: "w" },
      { kind: "retired", since: at },
    ] as const
  ).map((stage, index) => ({
    id: `v${index}`,
    madeAt: at,
    adopted: "undated",
    stage,
    acceptedAt: at,
    clear: { user: "u" },
    sealed: "s",
    fingerprints: { password: "f" },
  })),
  rotatedAt: at,
  weak: true,
  undated: true,
  retry: { failures: 1, notBefore: at, code: "c", message: "m" },
  revokeHeld: { version: "v1", code: "c", message: "m", hint: "h" },
  drift: { since: at, code: "c" },
  listeners: { "127.0.0.1:5432": 105 },
  last: 9,
  contained: { incident: "i", at, version: "v1", owes: true, sessions: refusal },
  uncontained: { incident: "i", since: at, code: "c" },
  unhealthy: { since: at, deployments: ["d"], message: "m" },
  unwritten: {
    since: at,
    outputs: { "/f": refusal },
    programs: ["p"],
    lives: true,
    rendered: true,
  },
  erased: { at, last: 9 },
}

const waits: Whole<Waits> = {
  since: at,
  secret: "s",
  code: "c",
  message: "m",
  cutOff: { "/srv/shop/.env": "is", shop: "may" },
}

const changeSet: Whole<ChangeSet> = {
  id: "c",
  why: "incident",
  reason: "r",
  incident: "i",
  startedAt: at,
  secrets: ["s"],
  direction: "back",
  contain: { revokeFirst: true, unhealthy: { d: "m" } },
  touched: ["d"],
  restarted: ["d"],
  notRestarted: ["d"],
  unhealthy: { d: "m" },
  startedWith: "{}",
  before: { "/f": { sealed: "", after: "a", stale: true } },
  ahead: true,
  leaves: { "/f": refusal },
  ranIn: location,
  cuts: ["d"],
  shared: { s: ["d", "e"] },
  stuck: ["s"],
  fault: { code: "c", message: "m" },
  waits,
}

const whole: Whole<StateDocument> = {
  format: 1,
  id: "i",
  project: "p",
  environment: "e",
  config: "/srv/shop/mycelium.yaml",
  serial: 1,
  secrets: { secret },
  changeSet,
  deferred: [changeSet],
  acting: { ...location, again: "a" },
  run: { id: "r", clock: "k", since: 1 },
  written: { "/f": "f" },
  offOutputs: {
    "/f": {
      since: "2026-01-01T00:00:00.000Z",
      mark: "1",
      of: { s: "v1" },
      code: "c",
      message: "m",
      remedy: "r",
    },
  },
  marks: { "vault:e": "7" },
  staged: { "vault:e": ["t"] },
  audit: { count: 1, head: "h", lines: ["l"] },
  mac: "m",
}

describe("the shape of a state", () => {
  test("takes each field that may stand in one", () => {
    expect(isState(whole)).toBe(true)
  })

  test("refuses a word that no program says of a cut", () => {
    const cutOff = { shop: "kind" }
    expect(isState({ ...whole, changeSet: { ...changeSet, waits: { ...waits, cutOff } } })).toBe(
      false,
    )
  })
})
