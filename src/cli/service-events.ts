import type { App } from "../app/app.ts"
import type { EnvironmentRun } from "../app/service/environment-run.ts"
import type { ServiceEvents } from "../app/service/events.ts"
import { present } from "../base/present.ts"
import type { Host } from "../base/system/host.ts"
import type { Manager } from "../base/system/notify.ts"
import { type Due, sayDue } from "../core/due.ts"
import { type LeftBehind, endLeftBehind, sayLeftBehind, serverLeft } from "../core/places.ts"
import { sayUnwritten } from "../core/unwritten.ts"
import { sayNotContained } from "../plan/uncontained.ts"
import { driftCode } from "../rotate/drift.ts"
import { isOutOfSight, type Outcome } from "../rotate/work.ts"
import type { Say } from "./service-log.ts"
import { when } from "./when.ts"
import { sayList } from "./words.ts"

const driftWords =
  "the service refuses the current value: it was changed there, or the server has lost the change; " +
  "it is not rotated until it is reconciled, adopted or set back"
const clockFaults = [
  {
    code: "clock-leapt",
    message:
      "the wall clock has leapt by more than a day: nothing is due until it has run true for ten minutes",
  },
  {
    code: "clock-behind",
    message:
      "a state knows of a time that has not come: the clock is wrong now, or was wrong then; " +
      "nothing is due until it has run true for ten minutes",
  },
] as const

/** The events of the service, and what its manager hears of them. */
export function watcher(say: Say, app: () => App, manager: Manager): ServiceEvents {
  const { beatEveryMs } = manager
  const zone = (environment: string): string =>
    app().config.environments[environment]?.timezone ?? "UTC"
  return {
    ...present({ roundEveryMs: beatEveryMs }),
    round: rounds(app().host, zone, manager),
    turned: (environment, turn) =>
      sayTurn(say, environment, turn, { timezone: zone(environment), now: app().host.now() }),
    drifted: (environment, found) => sayDrift(say, environment, found),
    shown: (environment, found) => sayShown(say, environment, found),
    unclear: (environment, secret, why) => sayUnclear(say, environment, secret, why),
    uncontained: (environment, left) => {
      for (const { secret, ...one } of left)
        say("error", "not contained", {
          environment,
          secret,
          code: "not-contained",
          incident: one.incident,
          message: sayNotContained(one),
        })
    },
    unwritten: (environment, left) => {
      for (const { secret, ...one } of left) {
        const message = sayUnwritten(one)
        say("error", "output owed", { environment, secret, code: "output-owed", message })
      }
    },
    endedFirst: (environment, outcomes) => {
      for (const [secret, outcome] of Object.entries(outcomes))
        sayOutcome(say, environment, { secret, outcome, due: undefined })
    },
    failed: (environment, code, message) =>
      say("error", "turn failed", { environment, code, message }),
    clock: (steady, code) =>
      steady
        ? say("info", "the clock runs true again", {})
        : say("error", clockFaults.find((one) => one.code === code)?.message ?? code, { code }),
  }
}

function sayDrift(
  say: Say,
  environment: string,
  { secret, version, kind }: Parameters<ServiceEvents["drifted"]>[1],
): void {
  if (kind !== "refused") return say("info", "drift is over", { environment, secret, version })
  say("error", "drift", { environment, secret, version, code: driftCode, message: driftWords })
}

function sayShown(
  say: Say,
  environment: string,
  { target, off }: Parameters<ServiceEvents["shown"]>[1],
): void {
  if (off === undefined)
    return say("info", "output is right again", { environment, output: target })
  const { code, message, remedy: hint } = off
  say("error", "output is not right", { environment, output: target, code, message, hint })
}

function sayUnclear(
  say: Say,
  environment: string,
  secret: string,
  why: Parameters<ServiceEvents["unclear"]>[2],
): void {
  if (why === undefined) return say("info", "answers again", { environment, secret })
  const { code } = why
  const message = `${why.message}; nothing more is tried before the next look`
  const level = code === "no-answer" ? "warning" : "error"
  say(level, "no clear answer", { environment, secret, code, message })
}

/** Tells the service manager that the loop runs, as seldom as that needs, and what comes next. */
function rounds(
  host: Host,
  zone: (environment: string) => string,
  manager: Manager,
): ServiceEvents["round"] {
  let told = ""
  let beatAt = Number.NEGATIVE_INFINITY
  return (next, drifted) => {
    const beats =
      manager.beatEveryMs !== undefined && host.monotonicMs() - beatAt >= manager.beatEveryMs / 2
    const status = `STATUS=${statusOf(next, drifted, host.now(), zone)}`
    const lines = [...(beats ? ["WATCHDOG=1"] : []), ...(status === told ? [] : [status])]
    if (lines.length === 0) return
    if (beats) beatAt = host.monotonicMs()
    told = status
    void manager.tell(...lines)
  }
}

function statusOf(
  next: Parameters<ServiceEvents["round"]>[0],
  drifted: readonly string[],
  now: Date,
  timezone: (environment: string) => string,
): string {
  const more = drifted.length > 3 ? ` and ${drifted.length - 3} more` : ""
  const first = sayList(drifted.slice(0, 3), (names) => `refused by its service: ${names}${more}; `)
  if (next === undefined) return `${first}nothing will be due`
  if (next.at <= now) return `${first}at work on ${next.environment}`
  return `${first}next: ${next.environment}, ${when(next.at, timezone(next.environment), now)}`
}

/** A current value that its service refuses is one fact, however many steps have met it. */
export function foundRefused({ outcomes, revoked }: EnvironmentRun): ReadonlySet<string> {
  const left = Object.entries(outcomes).flatMap(([secret, one]) =>
    one.kind === "left" && one.code === driftCode ? [secret] : [],
  )
  return new Set([
    ...left,
    ...revoked.flatMap(({ secret, death }) =>
      death.kind === "owed" && death.code === driftCode ? [secret] : [],
    ),
  ])
}

function sayTurn(
  say: Say,
  environment: string,
  turn: EnvironmentRun,
  { timezone, now }: { readonly timezone: string; readonly now: Date },
): void {
  const refused = foundRefused(turn)
  for (const { secret, version } of turn.drifted)
    if (refused.has(secret))
      say("error", "drift", { environment, secret, version, code: driftCode, message: driftWords })
  for (const [secret, outcome] of Object.entries(turn.outcomes))
    sayOutcome(say, environment, { secret, outcome, due: turn.causes[secret] })
  for (const one of turn.revoked) sayRevoked(say, environment, one)
  const { nextAt, nextRevokes } = turn.agenda
  if (nextAt === undefined) return
  const due = nextAt.toISOString()
  // A grace ends at a second, a schedule at a minute of its own timezone.
  if (nextRevokes === true) say("info", "next", { environment, due, what: "revoke" })
  else
    say("info", "next", {
      environment,
      due,
      local: when(nextAt, timezone, now),
      what: "rotation",
    })
}

type Ended = {
  readonly secret: string
  readonly outcome: Outcome
  readonly due: Due | undefined
}

function sayOutcome(say: Say, environment: string, { secret, outcome, due }: Ended): void {
  // It is reported as a drift.
  if (outcome.kind === "left" && outcome.code === driftCode) return
  if (outcome.kind === "rotated")
    return say(levelOf(outcome), "rotated", {
      environment,
      secret,
      version: outcome.version,
      ...present({ due: due && sayDue(due), unhealthy: outcome.unhealthy, owes: outcome.owes }),
    })
  const { code, message } = outcome
  const level = needsPerson(outcome) ? "error" : "warning"
  say(level, outcome.kind, { environment, secret, code, message })
}

function levelOf({
  unhealthy,
  owes,
}: Extract<Outcome, { readonly kind: "rotated" }>): Parameters<Say>[0] {
  if (unhealthy !== undefined) return "error"
  return owes === undefined ? "info" : "warning"
}

function sayRevoked(
  say: Say,
  environment: string,
  { secret, version, death }: EnvironmentRun["revoked"][number],
): void {
  if (death.kind === "owed" && death.code === driftCode) return
  const which = { environment, secret, ...present({ version }) }
  if (death.kind !== "dead") {
    const { code, message } = death
    return say(death.kind === "alive" ? "error" : "warning", "not revoked", {
      ...which,
      code,
      message,
    })
  }
  say("info", "revoked", { ...which, sessionsEnded: death.sessionsEnded })
  if (death.unasked !== undefined && version !== undefined)
    sayServerLeft(say, environment, { secret, version, places: death.unasked })
  const left = death.expelled?.sessionsLeft
  if (left === undefined) return
  const { code, message, hint } = left
  say("warning", "sessions that were opened before may live", {
    environment,
    secret,
    code,
    message,
    ...present({ hint }),
  })
}

function sayServerLeft(
  say: Say,
  environment: string,
  { secret, ...left }: LeftBehind & { readonly secret: string },
): void {
  const { version } = left
  say("warning", "not asked at a former server", {
    environment,
    secret,
    version,
    code: serverLeft,
    message: sayLeftBehind([left]),
    hint: endLeftBehind(environment, [left]),
  })
}

export function needsPerson(outcome: Outcome): boolean {
  return (
    outcome.kind === "stuck" ||
    (outcome.kind === "waiting" && isOutOfSight(outcome.code)) ||
    (outcome.kind === "rolled-back" && outcome.code === "back-unhealthy")
  )
}
