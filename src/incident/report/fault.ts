import { openSetOf } from "../../core/change-set.ts"
import { isOpenFor } from "../../core/contained.ts"
import { olderHolder, versionAt, versionNumber } from "../../core/version.ts"
import type { Config } from "../../config/model.ts"
import type { SecretState } from "../../core/state.ts"
import { compromisedAgain, openContainment } from "../../core/open-containment.ts"
import { sayLeftBehind, serverLeft, unaskedIn } from "../../core/places.ts"
import { unlisted, unlistedRemedy } from "../../core/unlisted.ts"
import { sayUnwritten } from "../../core/unwritten.ts"
import { failures, textOf } from "./entry.ts"
import type { Erased, Line } from "./model.ts"
import type { Source } from "./source.ts"

/** Why a secret is not contained, by the state and the lines of the incident; pure. */

export type Fault = { readonly code: string; readonly message: string }
export type Judged = {
  readonly source: Source
  readonly incident: string
  /** A later one, which made the value. */
  readonly later?: string
  readonly name: string
  /** It was chosen for a containment, and not only rotated under the name of the incident. */
  readonly chosen: boolean
  /** The version that its service took in this incident. */
  readonly to: string | undefined
  /** Of this secret and this incident. */
  readonly lines: readonly Line[]
}

/** undefined: it is contained. */
export function faultOf(config: Config, judged: Judged): Fault | undefined {
  const { source, name } = judged
  const found = source.unreadable ?? source.forged ?? stateFault(judged)
  if (found === undefined || isListed(config, source.environment, name)) return found
  const remedy = unlistedRemedy(
    `${source.environment}/${name}`,
    source.document?.secrets[name]?.driver,
  )
  return { ...found, message: `${found.message}; ${unlisted.message}: ${remedy}` }
}

export function isListed({ environments }: Config, environment: string, secret: string): boolean {
  return environments[environment]?.secrets[secret] !== undefined
}

function stateFault(judged: Judged): Fault | undefined {
  const { source, name, to, lines } = judged
  const state = source.document?.secrets[name]
  if (state === undefined)
    return { code: "state-older", message: "the state does not know it any more" }
  const erased = erasedOf(source, name)
  if (isErased(state) && (state.uncontained === undefined || erased?.login === "kept"))
    return erasedFault(lines, erased, `${source.environment}/${name}`)
  if (openSetOf(source.document, name) !== undefined)
    return {
      code: "journal-open",
      message: "its rotation is not finished: what its service takes is not decided yet",
    }
  return to === undefined ? notRotated(lines) : valueFault({ ...judged, state, to })
}

function lastFailure(lines: readonly Line[]): Line | undefined {
  return lines.findLast(({ event }) => failures[event] !== undefined)
}

function notRotated(lines: readonly Line[]): Fault {
  const failed = lastFailure(lines)
  if (failed === undefined) return { code: "not-contained", message: "not begun" }
  return {
    code: textOf(failed, "code") ?? failed.event,
    message: failures[failed.event] ?? failed.event,
  }
}

type Rotated = Judged & { readonly state: SecretState; readonly to: string }

/** It has a new value: what may let others in all the same. */
function valueFault(rotated: Rotated): Fault | undefined {
  const { chosen, state } = rotated
  const fault = pastFault(rotated)
  if (fault !== undefined) return fault
  // A rotation under the name of an incident leaves older sessions, and values that others have
  // set.
  if (!chosen && state.contained === undefined)
    return {
      code: "not-contained",
      message:
        "rotated, but without --contain: older sessions, and values that others have set, were not ended",
    }
  const owed = owedFault(rotated)
  if (owed !== undefined) return owed
  return versionAt(state, "current") === undefined
    ? { code: "no-current", message: "no value is current" }
    : undefined
}

/** Contained once, as `to`, and not any more. */
function pastFault({ incident, state, to }: Rotated): Fault | undefined {
  const again = isOpenFor(state, incident) ? state.uncontained : undefined
  if (again !== undefined && again.code !== compromisedAgain.code)
    return { code: again.code, message: whyAgain(again.code, to) }
  const older = olderHolder(state, to)
  if (older !== undefined)
    return {
      code: compromisedAgain.code,
      message: `contained once, as ${to}, but its current value is that of ${older.id} again`,
    }
  if (again !== undefined) return { code: again.code, message: whyAgain(again.code, to) }
  // What was noted last: this report asks no service.
  const { drift } = state
  if (drift === undefined || versionAt(state, "current") === undefined) return undefined
  return {
    code: drift.code,
    message:
      `contained once, as ${to}, but its service refuses its value since ` +
      `${drift.since.slice(0, 19)}Z: another one may be accepted there`,
  }
}

/** What its service accepted before may be accepted still. */
function owedFault({ incident, later, state, to, lines }: Rotated): Fault | undefined {
  const open = openContainment(state)
  const isOpen = open !== undefined && [incident, later].includes(open.incident)
  if (isOpen && !state.versions.some(({ stage }) => stage.kind === "previous"))
    return { code: open.code, message: openMessage(state, open.code) }
  const owed = state.versions.find(
    ({ id, stage }) =>
      versionNumber(id) < versionNumber(to) &&
      (stage.kind === "previous" || stage.kind === "uncertain"),
  )
  if (owed === undefined) return undefined
  const failed = lastFailure(lines)
  return {
    code: (failed === undefined ? undefined : textOf(failed, "code")) ?? "revoke-owed",
    message: `${owed.id} is not proven dead`,
  }
}

function whyAgain(code: string, to: string): string {
  if (code === "state-put-back")
    return `contained once, as ${to}, but a state from before that was put back since`
  return code === compromisedAgain.code
    ? `contained once, as ${to}, but a value that was taken away has counted again since`
    : `contained once, as ${to}, but its value has been changed from outside since`
}

function openMessage(state: SecretState, code: string): string {
  const { unwritten } = state
  if (code === serverLeft) return sayLeftBehind(unaskedIn(state))
  return code === "output-owed" && unwritten !== undefined
    ? sayUnwritten(unwritten)
    : "what its service accepted before is not taken away yet"
}

function isErased({ erased, versions }: SecretState): boolean {
  return erased !== undefined && versions.length === 0
}

/** If its versions are gone for good: what the log says of that. */
export function erasedOf({ document, entries }: Source, name: string): Erased | undefined {
  const state = document?.secrets[name]
  if (state === undefined || !isErased(state)) return undefined
  const line = entries.findLast(
    (entry) => entry.event === "delete" && textOf(entry, "secret") === name,
  )
  if (line === undefined) return undefined
  const login = textOf(line, "login")
  const ended = line["sessionsEnded"]
  return {
    at: line.at,
    login: isFate(login) ? login : "none",
    ...(typeof ended === "number" ? { sessionsEnded: ended } : {}),
    // An older Mycelium ended none, and wrote nothing of them.
    ...(login === "ends" && typeof ended !== "number" ? { sessionsLeft: true as const } : {}),
  }
}

function isFate(login: string | undefined): login is Erased["login"] {
  return login === "ends" || login === "kept" || login === "ended"
}

/**
 * What ended its login is proven; what left it as it is has contained nothing. `lines`: of the
 * incident, all written before.
 */
function erasedFault(
  lines: readonly Line[],
  erased: Erased | undefined,
  place: string,
): Fault | undefined {
  if (erased === undefined || erased.login === "ends" || erased.login === "ended") return undefined
  const last = lines.findLast(
    ({ event }) =>
      event === "promote" ||
      event === "revoke" ||
      event === "revoke-others" ||
      failures[event] !== undefined,
  )
  const isContained =
    last !== undefined &&
    (last.event === "promote" ? erased.login === "none" : failures[last.event] === undefined)
  if (isContained) return undefined
  const say = `then say so: mycelium delete ${place} --login-ended --yes`
  return {
    code: "not-contained",
    message:
      erased.login === "kept"
        ? "erased with --keep-login before it was contained: its login was left as it was, " +
          "and nothing here knows whether it was ended since; see that it is ended at the " +
          `service, ${say}`
        : "erased before it was contained: a program that took it may go on with it until it is " +
          "restarted, and nothing here knows of that; restart what took it, " +
          `or see that nothing has it, ${say}`,
  }
}
