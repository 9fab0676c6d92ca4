import type { StateDocument } from "../core/state.ts"

/**
 * The shape of a state document, as far as it is used by those who have no key to check its MAC;
 * what is sealed inside is judged when it is opened.
 */

type Check = (value: unknown) => boolean

const text: Check = (value) => typeof value === "string"
const whole: Check = (value) => Number.isInteger(value)
const flag: Check = (value) => typeof value === "boolean"
/**
 * As we write them, save on the days that only some months have: told by their signs, which costs
 * less than reading a time.
 */
const written =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/
const instant: Check = (value) =>
  typeof value === "string" && (written.test(value) || !Number.isNaN(Date.parse(value)))
const either =
  (...words: readonly unknown[]): Check =>
  (value) =>
    words.includes(value)
const maybe =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)
const list =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check)
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)
const map =
  (check: Check): Check =>
  (value) =>
    isObject(value) && Object.values(value).every(check)
/** Of an object, the fields that are named; others may be there. */
const shape = (fields: Readonly<Record<string, Check>>): Check => {
  const [names, checks] = [Object.keys(fields), Object.values(fields)]
  return (value) => {
    if (!isObject(value)) return false
    // A loop: `status` judges thousands of states at its start, where no call is compiled yet.
    for (let at = 0; at < names.length; at++)
      if (checks[at]?.(value[names[at] ?? ""]) !== true) return false
    return true
  }
}

const stages: Readonly<Record<string, Check>> = {
  pending: shape({ proven: flag }),
  current: () => true,
  previous: shape({ since: maybe(instant), revokeAt: instant, endSessions: flag }),
  uncertain: shape({ why: text, since: maybe(instant), notBefore: maybe(instant) }),
  retired: shape({ since: instant }),
}
const stage: Check = (value) =>
  isObject(value) &&
  typeof value["kind"] === "string" &&
  Object.hasOwn(stages, value["kind"]) &&
  stages[value["kind"]]?.(value) === true
const version = shape({
  id: text,
  madeAt: instant,
  adopted: maybe(either("undated", "dated")),
  stage,
  places: maybe(list(text)),
  clear: map(text),
  sealed: text,
  fingerprints: map(text),
})
const refusals = map(shape({ code: text, message: text, hint: maybe(text) }))
const secret = shape({
  driver: text,
  versions: list(version),
  rotatedAt: maybe(instant),
  retry: maybe(shape({ failures: whole, notBefore: instant, code: text, message: text })),
  revokeHeld: maybe(shape({ version: text, code: text, message: text, hint: maybe(text) })),
  drift: maybe(shape({ since: instant, code: text })),
  contained: maybe(
    shape({
      incident: text,
      also: maybe(list(text)),
      at: instant,
      version: text,
      first: maybe(text),
      owes: maybe(either(true)),
      sessions: maybe(shape({ code: text, message: text, hint: maybe(text) })),
    }),
  ),
  uncontained: maybe(
    shape({
      incident: text,
      since: instant,
      code: text,
      revokeFirst: maybe(either(true)),
      also: maybe(list(text)),
    }),
  ),
  unhealthy: maybe(shape({ since: instant, deployments: list(text), message: text })),
  unwritten: maybe(
    shape({
      since: instant,
      outputs: refusals,
      programs: list(text),
      lives: maybe(either(true)),
      rendered: maybe(either(true)),
      gone: maybe(list(text)),
    }),
  ),
  erased: maybe(shape({ at: instant, last: whole })),
  last: maybe(whole),
  logins: maybe(list(text)),
  listeners: maybe(map((value) => value === "hidden" || whole(value))),
})
const place = shape({ boot: text, namespace: text, machine: maybe(text), init: maybe(flag) })
const changeSet = shape({
  id: text,
  why: text,
  startedAt: instant,
  secrets: list(text),
  direction: either("forward", "back"),
  contain: maybe(shape({ revokeFirst: flag, unhealthy: map(text) })),
  touched: list(text),
  restarted: list(text),
  notRestarted: maybe(list(text)),
  unhealthy: maybe(map(text)),
  startedWith: text,
  leaves: maybe(refusals),
  ranIn: maybe(place),
  cuts: maybe(list(text)),
  shared: maybe(map(list(text))),
  stuck: maybe(list(text)),
  before: maybe(map(shape({ sealed: text, after: text, stale: maybe(either(true)) }))),
  ahead: maybe(either(true)),
  fault: maybe(shape({ code: text, message: text })),
  waits: maybe(
    shape({
      since: instant,
      secret: text,
      code: text,
      message: text,
      cutOff: maybe(map(either("is", "may"))),
    }),
  ),
})
const state = shape({
  marks: maybe(map(text)),
  staged: maybe(map(list(text))),
  format: either(1),
  id: text,
  project: text,
  environment: text,
  config: maybe(text),
  serial: whole,
  secrets: map(secret),
  changeSet: maybe(changeSet),
  deferred: maybe(list(changeSet)),
  run: maybe(shape({ id: text, clock: text, since: whole })),
  acting: maybe((value) => place(value) && shape({ again: maybe(text) })(value)),
  written: maybe(map(text)),
  offOutputs: maybe(
    map(
      shape({ since: instant, mark: text, of: map(text), code: text, message: text, remedy: text }),
    ),
  ),
  audit: shape({ count: whole, head: text, lines: list(text) }),
  mac: text,
})

export function isState(value: unknown): value is StateDocument {
  return state(value)
}
