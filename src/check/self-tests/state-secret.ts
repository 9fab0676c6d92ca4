import { type Version, uncertainUntil } from "../../core/version.ts"
import { formatDuration } from "../../base/text/duration.ts"
import { driverDiffers, formerDriver } from "../../core/changed-driver.ts"
import { incidentOf } from "../../core/contained.ts"
import { driftRemedy } from "../../core/drift.ts"
import type { SecretState, Uncontained, Unwritten } from "../../core/state.ts"
import {
  endLeftBehind,
  leftBehind,
  sayLeftBehind,
  serverLeft,
  unaskedIn,
} from "../../core/places.ts"
import { compromisedAgain, holdsContained, openContainment } from "../../core/open-containment.ts"
import { present } from "../../base/present.ts"
import { heldRevoke, revokeWaits, sayRevokeHeld } from "../../core/held-up.ts"
import { endGone, sayUnwritten } from "../../core/unwritten.ts"
import type { Report } from "./check.ts"
import type { Code } from "./state-faults.ts"

/** What the state says of one secret: a containment, a drift, a failure, an older value. */

export type Judged = {
  readonly environment: string
  readonly secret: string
  readonly isListed: boolean
  readonly state: SecretState
  /** In the config. */
  readonly driver: string | undefined
  /** It is in a rotation that is not finished: until that ends, nothing of it is revoked. */
  readonly isOpen: boolean
}
/** Told of one secret, beside the state. */
export type Known = {
  readonly now: Date
  /** "production/postgres": whose current value its service has just accepted. */
  readonly accepted: ReadonlySet<string>
  /** When it is tried next, in words. */
  readonly nextTry: (environment: string, secret: string) => string
  /** A process is seen at work in its environment, and is not stopped. */
  readonly isAtWork?: boolean
}
type Told = Report<Code>
type PlacedSecret = Judged & { readonly place: string }

export function judgeSecret(judged: Judged, known: Known, report: Told): void {
  const one = { ...judged, place: `${judged.environment}/${judged.secret}` }
  judgeDriver(one, report)
  judgeContainment(one, report)
  judgeSessions(one, report)
  judgeServers(one, report)
  judgePrograms(one, report)
  judgeDrift(one, known, report)
  judgeFailure(one, known, report)
  for (const version of one.state.versions) judgeVersion(one, version, known, report)
}

function judgeDriver({ place, state, driver: now }: PlacedSecret, report: Told): void {
  const was = formerDriver(state, now)
  if (was === undefined || now === undefined) return
  const { message, hint = "" } = driverDiffers({ place, was, now })
  report.found("driver-differs", `${place}: ${message}`, { remedy: hint })
}

function judgeContainment(
  { place, environment, isListed, state }: PlacedSecret,
  report: Told,
): void {
  const { versions, uncontained, contained, unwritten } = state
  const open = openContainment(state)
  if (open?.code === compromisedAgain.code) return judgeBack({ place, isListed }, open, report)
  if (uncontained !== undefined)
    return report.found(
      "not-contained",
      `${place}: chosen for ${uncontained.incident} at ${inWords(uncontained.since)}, ` +
        `and NOT contained (${uncontained.code}): treat it as compromised`,
      carryOn(place, isListed, uncontained),
    )
  if (open === undefined) return
  if (open.code === serverLeft) {
    const left = unaskedIn(state)
    const again = `mycelium rotate-now ${place} --contain --incident ${open.incident}`
    return report.found(
      "not-contained",
      `${place}: NOT contained in ${open.incident}: ${sayLeftBehind(left)} (${serverLeft}): ` +
        "treat it as compromised",
      { remedy: endLeftBehind(environment, left, again) },
    )
  }
  if (open.code === "output-owed" && unwritten !== undefined)
    return report.found(
      "not-contained",
      `${place}: NOT contained in ${open.incident}: ${sayUnwritten(unwritten)}: treat it as compromised`,
      writtenAgain(place, unwritten, contained),
    )
  const previous = versions.filter(({ stage }) => stage.kind === "previous").map(({ id }) => id)
  const alive = previous.join(", ") || "what its service accepted before"
  report.found(
    "not-contained",
    `${place}: ${alive} is not proven dead, nor is it proven that every older session ended, ` +
      `in ${open.incident}: treat it as compromised`,
    carryOn(place, isListed, open),
  )
}

/** Not an act that was left undone: another one has undone it. */
function judgeBack(
  { place, isListed }: Pick<PlacedSecret, "place" | "isListed">,
  uncontained: Uncontained,
  report: Told,
): void {
  report.found(
    "not-contained",
    `${place}: ${compromisedAgain.message}; so it is NOT contained in ${uncontained.incident} ` +
      `(${compromisedAgain.code}): treat it as compromised`,
    carryOn(place, isListed, uncontained),
  )
}

function carryOn(
  place: string,
  isListed: boolean,
  { incident, revokeFirst }: Uncontained,
): { readonly remedy: string } {
  const flags = revokeFirst === true ? "--contain --revoke-first" : "--contain"
  const again = `mycelium rotate-now ${place} ${flags} --incident ${incident}`
  return {
    remedy: isListed
      ? `put right what the code says (mycelium explain CODE), then carry on: ${again}`
      : `put it back into the config, then ${again}; or end its login at the service, ` +
        `then mycelium delete ${place} --login-ended --yes`,
  }
}

function judgeSessions({ place, isListed, state }: PlacedSecret, report: Told): void {
  const { contained } = state
  if (contained?.sessions === undefined || !holdsContained(state)) return
  const { code, message, hint } = contained.sessions
  const first = hint === undefined ? "" : `${hint}; then `
  report.found(
    "sessions-may-live",
    `${place}: contained in ${contained.incident} for new logins only: ` +
      `sessions that were opened before ${inWords(contained.at)} may live: ${message} (${code})`,
    isListed
      ? {
          remedy:
            `${first}mycelium rotate-now ${place} --contain --incident ${contained.incident} ` +
            "ends them if it can by then, and changes nothing else",
        }
      : undefined,
  )
}

/** An old value was accepted at a server that no run has asked since. An incident tells it itself. */
function judgeServers({ place, environment, state }: PlacedSecret, report: Told): void {
  const left = leftBehind(state)
  if (left.length === 0 || openContainment(state)?.code === serverLeft) return
  report.found("server-left", `${place}: ${sayLeftBehind(left)}`, {
    remedy: endLeftBehind(environment, left),
  })
}

/** Programs that do not work with the current value, or have not read it. */
function judgePrograms({ place, state }: PlacedSecret, report: Told): void {
  const { versions, contained, unhealthy, unwritten } = state
  if (unhealthy !== undefined)
    report.found(
      "promoted-unhealthy",
      `${place}: its new value is current since ${inWords(unhealthy.since)}, but ${unhealthy.message}`,
      healthAgain(place, contained, versions),
    )
  if (unwritten !== undefined && openContainment(state)?.code !== "output-owed")
    report.found(
      "output-owed",
      `${place}: ${sayUnwritten(unwritten)}`,
      writtenAgain(place, unwritten, contained),
    )
}

function judgeDrift({ place, environment, state }: PlacedSecret, known: Known, report: Told): void {
  const { drift } = state
  if (drift === undefined) return
  if (known.accepted.has(place))
    return report.found(
      "current-refused",
      `${place}: the service accepts the current value now, ` +
        `and refused it at ${inWords(drift.since)}: while that is noted, it is not rotated`,
      {
        severity: "warning",
        remedy:
          "the next look of mycelium run (watch, an hour) notices; " +
          `mycelium adopt ${environment} ends the note at once`,
      },
    )
  report.found(
    "current-refused",
    `${place}: the service refuses the current value since ${inWords(drift.since)}: ` +
      "it is not rotated, and nothing of it is revoked",
    {
      remedy:
        `${driftRemedy(place, incidentOf(state))}; what was set back is noticed by the next ` +
        "look of mycelium run (watch, an hour), by run --once, " +
        `or by mycelium adopt ${environment} at once`,
    },
  )
}

function judgeFailure(
  { place, environment, secret, state }: PlacedSecret,
  known: Known,
  report: Told,
): void {
  const { retry } = state
  if (retry === undefined) return
  const next = known.nextTry(environment, secret)
  report.found(
    retry.code === "back-unhealthy" ? "back-unhealthy" : "retrying",
    `${place} failed ${retry.failures}×, ` +
      `last with ${retry.code}: ${retry.message}${next === "" ? "" : `; ${next}`}`,
  )
}

const hour = 3_600_000

function judgeVersion(
  { place, isOpen, state }: PlacedSecret,
  { id, stage }: Version,
  { now, isAtWork = false }: Known,
  report: Told,
): void {
  if (stage.kind === "uncertain" && uncertainUntil(stage) <= now.getTime())
    report.found("uncertain", `${place}: ${id} may still be accepted: ${stage.why}`)
  // What a containment owes is told with the containment.
  if (stage.kind !== "previous" || stage.revokeOthers === true) return
  const lateMs = now.getTime() - Date.parse(stage.revokeAt)
  if (lateMs <= 0) return
  const { why, remedy } = whyLate({ id, isOpen, isAtWork, state })
  report.found(
    "revoke-overdue",
    `${place}: ${id} should have been revoked ${formatDuration(lateMs)} ago and may still ` +
      `be accepted${why === undefined ? "" : `: ${why}`}`,
    { severity: lateMs > hour ? "error" : "warning", ...present({ remedy }) },
  )
}

type Late = Pick<Judged, "isOpen" | "state"> & { readonly id: string; readonly isAtWork: boolean }

/** As far as the state tells, or who is at work; nothing where neither does. */
function whyLate({ id, isOpen, isAtWork, state }: Late): {
  readonly why?: string
  readonly remedy?: string | undefined
} {
  if (isOpen) return { why: revokeWaits }
  if (isAtWork)
    return {
      why: "a run is at work in its environment, and has not come to it yet",
      remedy: "that run, or the next one, revokes it: mycelium status says what is not finished",
    }
  if (state.drift !== undefined)
    return { why: "the service refuses the current value, so nothing older is taken away" }
  const held = heldRevoke(state, id)
  return held === undefined ? {} : { why: sayRevokeHeld(held), remedy: held.hint }
}

/** Where a containment made the current value, it need not be rotated once more. */
function healthAgain(
  place: string,
  contained: SecretState["contained"],
  versions: SecretState["versions"],
): { readonly remedy?: string } {
  if (
    contained === undefined ||
    !versions.some(({ id, stage }) => id === contained.version && stage.kind === "current")
  )
    return {}
  return {
    remedy:
      "look at that program's log, and restart it so that it reads its files again; " +
      `then mycelium rotate-now ${place} --contain --incident ${contained.incident} looks at ` +
      "its health, and ends this",
  }
}

/** The way by the same containment, where that made the current value. */
function writtenAgain(
  place: string,
  { outputs, programs, gone = [] }: Unwritten,
  contained: SecretState["contained"],
): { readonly remedy?: string } {
  if (contained === undefined) return {}
  const again = `mycelium rotate-now ${place} --contain --incident ${contained.incident}`
  const isAll = gone.length === programs.length && Object.keys(outputs).length === 0
  if (gone.length > 0 && isAll) return { remedy: endGone(place.split("/")[0] ?? "", gone) }
  return {
    remedy:
      Object.keys(outputs).length === 0
        ? `mycelium run restarts what was not restarted, or at once: ${again}`
        : "put that file right (mycelium explain CODE); then mycelium run writes it and " +
          `restarts the programs that read it, or at once: ${again}`,
  }
}

function inWords(at: string): string {
  return `${at.slice(0, 16).replace("T", " ")} UTC`
}
