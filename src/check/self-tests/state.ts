import { formatDuration } from "../../base/text/duration.ts"
import { driftRemedy } from "../../core/drift.ts"
import { harmOf, sayJournal } from "../../core/held-up.ts"
import { believable } from "../../core/instants.ts"
import {
  type SecretState,
  type StateDocument,
  type Unwritten,
  holdsContained,
  openContainment,
} from "../../core/state.ts"
import { openSetOf, openSets } from "../../core/change-set.ts"
import { versionAt } from "../../core/version.ts"
import type { Finding } from "../../core/ports.ts"
import { sayUnwritten } from "../../core/unwritten.ts"
import { debtsOf, unlistedRemedy } from "../../core/unlisted.ts"
import { type Report, defineCheck } from "./check.ts"

/** What the state says about itself, without any key: is anything stuck, late or unclear? */

export type Environment = {
  readonly name: string
  /** undefined: nothing was ever rotated or adopted here. */
  readonly document: StateDocument | undefined
  /** The secrets that the config has. */
  readonly secrets: readonly string[]
}
export type States = {
  readonly environments: readonly Environment[]
  /** What kept a state from being read. */
  readonly unreadable: readonly { readonly environment: string; readonly error: unknown }[]
  /** Environments that have a state and are not in the config. */
  readonly strange: readonly {
    readonly name: string
    /** What is owed there, in words. */
    readonly debts: readonly string[]
    readonly remedy: string
  }[]
  readonly now: Date
  /** Environments in which a process is seen at work, and is not stopped. */
  readonly atWork?: ReadonlySet<string>
  /**
   * "production/postgres": whose current value its service has just accepted, where services are
   * asked.
   */
  readonly accepted?: ReadonlySet<string>
  /**
   * When a secret whose last rotation failed is tried next, in words; "" where that is not looked
   * up.
   */
  readonly nextTry?: (environment: string, secret: string) => string
  /** States that are older than their log, where no key is at hand to say so. */
  readonly older?: readonly Finding[]
  /** What has been due for more than a day, where nothing else looks for that. */
  readonly late?: readonly { readonly place: string; readonly lateMs: number }[]
}

const hour = 3_600_000
/**
 * A rotation takes as long as its programs' restarts; one that has not ended by then was cut off,
 * or waits for something.
 */
const stuckMs = 15 * 60_000
/** `run` looks once a minute. */
const dueMs = 2 * 60_000

type Code =
  | "not-contained"
  | "sessions-may-live"
  | "promoted-unhealthy"
  | "output-owed"
  | "journal-open"
  | "journal-stuck"
  | "retrying"
  | "back-unhealthy"
  | "revoke-overdue"
  | "uncertain"
  | "state-unlisted"
  | "debt-unlisted"
  | "current-refused"
  | "none-accepted"
  | "rotation-overdue"

export const state = defineCheck<Code, States>({
  name: "state",
  faults: {
    "not-contained": {
      severity: "error",
      remedy:
        "mend what it says, then the same rotate-now --contain again, with --incident and its name: it carries on, and does nothing twice",
    },
    "sessions-may-live": {
      severity: "warning",
      remedy:
        "end them at the service by hand, or give mycelium the right to; then the same rotate-now --contain again, with --incident and its name",
    },
    "promoted-unhealthy": {
      severity: "error",
      remedy:
        "look at that program's log, and restart it so that it reads its files again; mycelium rotate-now on the secret then proves it, and ends this",
    },
    "output-owed": {
      severity: "error",
      remedy:
        "put that file right (mycelium explain CODE); then mycelium run, or the same containment again, writes it and restarts the programs that read it",
    },
    "journal-open": {
      severity: "warning",
      remedy: "if no mycelium is at work: mycelium run, or the same rotate-now again, ends it",
    },
    "journal-stuck": {
      severity: "error",
      remedy:
        "mycelium status says what holds it up; mycelium run (or run --once) asks the service again, and ends it if nothing else does; if the service refuses every value: mycelium adopt ENV --ask",
    },
    retrying: {
      severity: "warning",
      remedy:
        "mend what it says; mycelium run tries it again once it is due, mycelium rotate-now at once",
    },
    "back-unhealthy": {
      severity: "error",
      remedy:
        "look at that program's log, and restart it so that it reads its files again; mycelium rotate-now on the secret then proves it, and ends this",
    },
    "revoke-overdue": {
      severity: "error",
      remedy:
        "see that mycelium run is running and reaches the service: until then an old value is accepted",
    },
    uncertain: {
      severity: "warning",
      remedy:
        "mycelium run asks the service until it refuses that value; if it never does, take it away by hand",
    },
    "current-refused": {
      severity: "error",
      remedy:
        "mycelium reconcile finds out which of ours works; mycelium adopt takes over what a person has set",
    },
    "none-accepted": {
      severity: "warning",
      remedy:
        "mycelium adopt takes over the value that the output shows, if its service accepts it; mycelium rotate-now --new makes a first one where none is in use",
    },
    "rotation-overdue": {
      severity: "error",
      remedy: "see that mycelium run is running; mycelium status says what keeps it",
    },
    "debt-unlisted": {
      severity: "error",
      remedy: "put it back into the config, then mycelium run ends what is owed",
    },
    "state-unlisted": {
      severity: "warning",
      remedy: "put it back into the config, or erase it: mycelium delete",
    },
  },
  inspect: (
    {
      environments,
      unreadable,
      strange,
      now,
      atWork = new Set(),
      accepted = new Set(),
      nextTry = () => "",
      late = [],
      older = [],
    },
    report,
  ) => {
    for (const { environment, error } of unreadable) report.failed(error, environment)
    for (const finding of older) report.passed(finding)
    for (const one of environments)
      judge(one, { now, accepted, nextTry, isAtWork: atWork.has(one.name) }, report)
    for (const { place, lateMs } of late)
      report.found(
        "rotation-overdue",
        `${place} was due ${formatDuration(lateMs)} ago and has not been rotated`,
      )
    for (const { name, debts, remedy } of strange)
      if (debts.length > 0)
        report.found(
          "debt-unlisted",
          `${name} has a state and is not in the config: ${debts.join("; ")}`,
          { remedy },
        )
      else
        report.found(
          "state-unlisted",
          `${name} has a state and is not in the config: what is in it is never rotated`,
          { remedy },
        )
    const documents = environments.flatMap(({ document }) => document ?? [])
    return documents.length === 0
      ? "nothing is rotated or adopted yet"
      : `${count(documents)}; nothing is stuck, late or in doubt`
  },
})

type Known = {
  readonly now: Date
  readonly accepted: ReadonlySet<string>
  readonly nextTry: NonNullable<States["nextTry"]>
  readonly isAtWork?: boolean
}

function judge(
  { name, document: found, secrets }: Environment,
  known: Known,
  report: Report<Code>,
): void {
  if (found === undefined) return
  const document = believable(found, known.now)
  for (const set of openSets(document)) {
    const ageMs = known.now.getTime() - Date.parse(set.startedAt)
    const message = `${name}: a rotation that began ${formatDuration(ageMs)} ago is not finished: ${sayJournal(name, set)}`
    // While a rotation is at work, its programs hold a value that no longer works for a moment.
    const now = known.isAtWork === true ? [] : harmOf(name, set)
    report.found(
      ageMs > stuckMs || now.length > 0 ? "journal-stuck" : "journal-open",
      [message, ...now].join("; "),
    )
  }
  for (const [secret, one] of Object.entries(document.secrets)) {
    const isOpen = openSetOf(document, secret) !== undefined
    if (!secrets.includes(secret) && !isOpen) {
      judgeUnlisted(`${name}/${secret}`, one, report)
      continue
    }
    judgeSecret(
      { environment: name, secret, isListed: secrets.includes(secret) },
      one,
      known,
      report,
    )
    const isLost = one.versions.length > 0 && versionAt(one, "current") === undefined && !isOpen
    if (isLost && secrets.includes(secret))
      report.found(
        "none-accepted",
        `${name}/${secret}: of ${one.versions.length} version${one.versions.length === 1 ? "" : "s"} none is known to work, so it is neither rotated nor watched`,
      )
  }
}

/**
 * One that was erased leaves its name, so that no number is used twice, and nothing to look after.
 */
function judgeUnlisted(place: string, one: SecretState, report: Report<Code>): void {
  const debts = debtsOf(one)
  const how = { remedy: unlistedRemedy(place, one.driver) }
  if (debts.length > 0)
    report.found(
      "debt-unlisted",
      `${place} is in the state and not in the config: ${debts.join("; ")}`,
      how,
    )
  else if (one.versions.length > 0)
    report.found(
      "state-unlisted",
      `${place} is in the state and not in the config: it is never rotated`,
      how,
    )
}

function judgeSecret(
  {
    environment,
    secret,
    isListed,
  }: { readonly environment: string; readonly secret: string; readonly isListed: boolean },
  one: SecretState,
  { now, accepted, nextTry }: Known,
  report: Report<Code>,
): void {
  const { versions, retry, drift, uncontained, contained, unhealthy, unwritten } = one
  const open = openContainment(one)
  const place = `${environment}/${secret}`
  const carryOn = (incident: string): { readonly remedy: string } =>
    isListed
      ? {
          remedy: `mend what it says (mycelium explain CODE), then carry on: mycelium rotate-now ${place} --contain --incident ${incident}`,
        }
      : {
          remedy: `put it back into the config, then mycelium rotate-now ${place} --contain --incident ${incident}; or end its login at the service, then mycelium delete ${place} --keep-login --yes`,
        }
  if (uncontained !== undefined)
    report.found(
      "not-contained",
      `${place}: chosen for ${uncontained.incident} at ${inWords(uncontained.since)}, and NOT contained (${uncontained.code}): take it for compromised`,
      carryOn(uncontained.incident),
    )
  else if (open !== undefined && open.code === "output-owed" && unwritten !== undefined)
    report.found(
      "not-contained",
      `${place}: NOT contained in ${open.incident}: ${sayUnwritten(unwritten)}: take it for compromised`,
      writtenAgain(place, unwritten, contained),
    )
  else if (open !== undefined)
    report.found(
      "not-contained",
      `${place}: ${
        versions
          .filter(({ stage }) => stage.kind === "previous")
          .map(({ id }) => id)
          .join(", ") || "what its service accepted before"
      } is not proven dead, nor every older session ended, in ${open.incident}: take it for compromised`,
      carryOn(open.incident),
    )
  if (contained?.sessions !== undefined && holdsContained(one)) {
    const { code, message, hint } = contained.sessions
    report.found(
      "sessions-may-live",
      `${place}: contained in ${contained.incident} for new logins only: sessions that were opened before ${inWords(contained.at)} may live: ${message} (${code})`,
      isListed
        ? {
            remedy: `${hint === undefined ? "" : `${hint}; then `}mycelium rotate-now ${place} --contain --incident ${contained.incident} ends them where it can by then, and changes nothing else`,
          }
        : undefined,
    )
  }
  if (unhealthy !== undefined)
    report.found(
      "promoted-unhealthy",
      `${place}: its new value is current since ${inWords(unhealthy.since)}, but ${unhealthy.message}`,
      healthAgain(place, contained, versions),
    )
  if (unwritten !== undefined && open?.code !== "output-owed")
    report.found(
      "output-owed",
      `${place}: ${sayUnwritten(unwritten)}`,
      writtenAgain(place, unwritten, contained),
    )
  if (drift !== undefined && accepted.has(place))
    report.found(
      "current-refused",
      `${place}: the service accepts the current value now, and refused it at ${inWords(drift.since)}: while that is noted, it is not rotated`,
      {
        severity: "warning",
        remedy: `the next look of mycelium run (watch, an hour) notices; mycelium adopt ${environment} ends the note at once`,
      },
    )
  else if (drift !== undefined)
    report.found(
      "current-refused",
      `${place}: the service refuses the current value since ${inWords(drift.since)}: it is not rotated, and nothing of it is revoked`,
      {
        remedy: `${driftRemedy(place)}; what was set back is noticed by the next look of mycelium run (watch, an hour), by run --once, or by mycelium adopt ${environment} at once`,
      },
    )
  if (retry !== undefined) {
    const next = nextTry(environment, secret)
    report.found(
      retry.code === "back-unhealthy" ? "back-unhealthy" : "retrying",
      `${place} failed ${retry.failures}×, last with ${retry.code}: ${retry.message}${next === "" ? "" : `; ${next}`}`,
    )
  }
  for (const { id, stage } of versions) {
    if (stage.kind === "uncertain")
      report.found("uncertain", `${place}: ${id} may still be accepted: ${stage.why}`)
    if (stage.kind !== "previous") continue
    // Told above.
    if (stage.revokeOthers === true) continue
    const lateMs = now.getTime() - Date.parse(stage.revokeAt)
    if (lateMs > dueMs)
      report.found(
        "revoke-overdue",
        `${place}: ${id} should have been revoked ${formatDuration(lateMs)} ago and may still be accepted`,
        { severity: lateMs > hour ? "error" : "warning" },
      )
  }
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
    remedy: `look at that program's log, and restart it so that it reads its files again; then mycelium rotate-now ${place} --contain --incident ${contained.incident} looks at its health, and ends this`,
  }
}

/** The way by the same containment, where that made the current value. */
function writtenAgain(
  place: string,
  { outputs }: Unwritten,
  contained: SecretState["contained"],
): { readonly remedy?: string } {
  if (contained === undefined) return {}
  const again = `mycelium rotate-now ${place} --contain --incident ${contained.incident}`
  return {
    remedy:
      Object.keys(outputs).length === 0
        ? `mycelium run restarts what was not restarted, or at once: ${again}`
        : `put that file right (mycelium explain CODE); then mycelium run writes it and restarts the programs that read it, or at once: ${again}`,
  }
}

function inWords(at: string): string {
  return `${at.slice(0, 16).replace("T", " ")} UTC`
}

function count(documents: readonly StateDocument[]): string {
  const all = documents.flatMap((document) => Object.values(document.secrets))
  const current = all.filter((one) => versionAt(one, "current") !== undefined).length
  const grace = all.filter((one) => versionAt(one, "previous") !== undefined).length
  const kept = all
    .flatMap((one) => one.versions)
    .filter(({ stage }) => stage.kind === "retired").length
  return `${current} secret${current === 1 ? "" : "s"} with a value${grace === 0 ? "" : `, ${grace} in grace`}${kept === 0 ? "" : `, ${kept} older kept`}`
}
