import { type ChangeSet, openSetOf, openSets } from "../../core/change-set.ts"
import { versionAt } from "../../core/version.ts"
import { formatDuration } from "../../base/text/duration.ts"
import { harmOf, sayJournal } from "../../core/held-up.ts"
import { believable } from "../../core/instants.ts"
import { type SecretState, type StateDocument } from "../../core/state.ts"
import type { Finding } from "../../core/ports.ts"
import { seenGone } from "../../core/unwritten.ts"
import { debtsOf, unlistedRemedy } from "../../core/unlisted.ts"
import { type Report, defineCheck } from "./check.ts"
import { type Code, faults } from "./state-faults.ts"
import { type Known, judgeSecret } from "./state-secret.ts"

/** What the state says about itself, without any key: is anything stuck, late or unclear? */

export type Environment = {
  readonly name: string
  /** undefined: nothing was ever rotated or adopted here. */
  readonly document: StateDocument | undefined
  /** The secrets that the config has. */
  readonly secrets: readonly string[]
  /** By secret: its driver in the config. Left out: not compared. */
  readonly drivers?: Readonly<Record<string, string>>
  /** The programs that it has; left out: not looked up. */
  readonly deployments?: readonly { readonly name: string }[]
}
type Strange = {
  readonly name: string
  /** What is owed there, in words. */
  readonly debts: readonly string[]
  readonly remedy: string
}
export type States = {
  readonly environments: readonly Environment[]
  /** What kept a state from being read. */
  readonly unreadable: readonly { readonly environment: string; readonly error: unknown }[]
  /** Environments that have a state and are not in the config. */
  readonly strange: readonly Strange[]
  readonly now: Date
  /** Environments in which a process is seen at work, and is not stopped. */
  readonly atWork?: ReadonlySet<string>
  /**
   * "production/postgres": whose current value its service has just accepted, if services are
   * asked.
   */
  readonly accepted?: ReadonlySet<string>
  /**
   * When a secret whose last rotation failed is tried next, in words; "" if that is not looked up.
   */
  readonly nextTry?: (environment: string, secret: string) => string
  /** States that are older than their log; for a check without a key, which would find that. */
  readonly older?: readonly Finding[]
  /** What has been due for more than a day; for a check that does not look at schedules. */
  readonly late?: readonly {
    readonly place: string
    readonly lateMs: number
    /** What its rotation waits for, in words. */
    readonly waits?: string
  }[]
}

/**
 * A rotation takes as long as its programs' restarts; one that has not ended by then was cut off,
 * or waits for something.
 */
const stuckMs = 15 * 60_000

export const state = defineCheck<Code, States>({
  name: "state",
  faults,
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
    for (const { place, lateMs, waits } of late)
      report.found(
        "rotation-overdue",
        `${place} was due ${formatDuration(lateMs)} ago and has not been ` +
          `rotated${waits === undefined ? "" : `: ${waits}`}`,
      )
    for (const one of strange) judgeStrange(one, report)
    const documents = environments.flatMap(({ document }) => document ?? [])
    return documents.length === 0
      ? "nothing is rotated or adopted yet"
      : `${count(documents)}; nothing is stuck, late or in doubt`
  },
})

function judge(
  { name, document: found, secrets, drivers, deployments }: Environment,
  known: Known & { readonly isAtWork: boolean },
  report: Report<Code>,
): void {
  if (found === undefined) return
  const credible = believable(found, known.now)
  const document = deployments === undefined ? credible : seenGone(credible, deployments)
  for (const set of openSets(document)) judgeJournal(name, set, known, report)
  for (const [secret, one] of Object.entries(document.secrets)) {
    const isOpen = openSetOf(document, secret) !== undefined
    if (!secrets.includes(secret) && !isOpen) {
      judgeUnlisted(`${name}/${secret}`, one, report)
      continue
    }
    judgeSecret(
      {
        environment: name,
        secret,
        isListed: secrets.includes(secret),
        state: one,
        driver: drivers?.[secret],
        isOpen: isOpen && !known.isAtWork,
      },
      known,
      report,
    )
    const isLost = one.versions.length > 0 && versionAt(one, "current") === undefined && !isOpen
    if (isLost && secrets.includes(secret))
      report.found(
        "none-accepted",
        `${name}/${secret}: of ${one.versions.length} ` +
          `version${one.versions.length === 1 ? "" : "s"} none is known to work, ` +
          "so it is neither rotated nor watched",
      )
  }
}

function judgeJournal(
  environment: string,
  set: ChangeSet,
  { now, isAtWork }: Pick<Known, "now"> & { readonly isAtWork: boolean },
  report: Report<Code>,
): void {
  const ageMs = now.getTime() - Date.parse(set.startedAt)
  const message =
    `${environment}: a rotation that began ${formatDuration(ageMs)} ago is not finished: ` +
    `${sayJournal(environment, set)}`
  // While a rotation is at work, its programs hold a value that no longer works for a moment.
  const harm = isAtWork ? [] : harmOf(environment, set)
  report.found(
    ageMs > stuckMs || harm.length > 0 ? "journal-stuck" : "journal-open",
    [message, ...harm].join("; "),
  )
}

function judgeStrange({ name, debts, remedy }: Strange, report: Report<Code>): void {
  const message = `${name} has a state and is not in the config`
  if (debts.length > 0) report.found("debt-unlisted", `${message}: ${debts.join("; ")}`, { remedy })
  else report.found("state-unlisted", `${message}: what is in it is never rotated`, { remedy })
}

/**
 * One that was erased leaves its name, so that no number is used twice, and nothing to look after.
 */
function judgeUnlisted(place: string, one: SecretState, report: Report<Code>): void {
  const debts = debtsOf(one)
  const options = { remedy: unlistedRemedy(place, one.driver) }
  if (debts.length > 0)
    report.found(
      "debt-unlisted",
      `${place} is in the state and not in the config: ${debts.join("; ")}`,
      options,
    )
  else if (one.versions.length > 0)
    report.found(
      "state-unlisted",
      `${place} is in the state and not in the config: it is never rotated`,
      options,
    )
}

function count(documents: readonly StateDocument[]): string {
  const all = documents.flatMap((document) => Object.values(document.secrets))
  const current = all.filter((one) => versionAt(one, "current") !== undefined).length
  const grace = all.filter((one) => versionAt(one, "previous") !== undefined).length
  const kept = all
    .flatMap((one) => one.versions)
    .filter(({ stage }) => stage.kind === "retired").length
  return (
    `${current} secret${current === 1 ? "" : "s"} with a ` +
    `value${grace === 0 ? "" : `, ${grace} in grace`}${kept === 0 ? "" : `, ${kept} older kept`}`
  )
}
