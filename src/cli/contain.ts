import type { App } from "../app/app.ts"
import { noteOutputs } from "../app/service/look-at-outputs.ts"
import { present } from "../base/present.ts"
import { contain as act } from "../incident/contain.ts"
import { leftElsewhere } from "../incident/left-elsewhere.ts"
import type { Contained } from "../incident/containment.ts"
import type { Outcome } from "../rotate/work.ts"
import { AppError } from "../base/error.ts"
import { setAgain } from "../base/processes/last-words.ts"
import { type Terminal, type Values, configWords, isSet } from "./command.ts"
import { elsewhereLines, lastLines } from "./containment-end.ts"
import { containmentLines } from "./containment-report.ts"
import {
  isContained,
  isOwing,
  isUnasked,
  isUnhealthy,
  isUnknown,
  showsLeaked,
  verdictsOf,
} from "./containment-verdicts.ts"
import { exitCodes } from "./exit-codes.ts"
import { command } from "./report/blocks.ts"
import { leftBeside } from "./left-beside.ts"
import type { Selection } from "./selection.ts"
import { yesOrNo } from "./yes-or-no.ts"

export type Asked = {
  readonly chosen: Selection
  readonly incident: string | undefined
  readonly reason: string | undefined
}

/**
 * Credentials have leaked: contains as much of the selection as possible, and says what is left and
 * how to finish it.
 */
export async function contain(
  terminal: Terminal,
  values: Values,
  app: App,
  asked: Asked,
): Promise<number> {
  await askWhereCutOff(terminal, values, app, asked.chosen)
  const sinceBegun = stopwatch(terminal)
  const askedAt = terminal.host.now().toISOString()
  const incident =
    asked.incident ?? `incident-${askedAt.slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-")}`
  setAgain(command(againWords(values, asked.chosen, incident)))
  if (!isSet(values, "json")) terminal.stderr(`incident  ${incident}`)
  const chosen = isSet(values, "all") ? await withLeft(app, asked.chosen) : asked.chosen
  const reports = await act(timed(app, sinceBegun), chosen, {
    incident,
    revokeFirst: isSet(values, "revoke-first"),
    asked: askedAt,
    ...present({ reason: asked.reason }),
  })
  const elsewhere = await leftElsewhere(app, reports, incident)
  // For those who look without a key: a file that shows what leaked is wrong until it is written.
  for (const environment of chosen.keys()) await noteOutputs(app, environment)
  if (isSet(values, "json")) {
    const others = elsewhere.length === 0 ? undefined : elsewhere
    terminal.stdout(JSON.stringify({ incident, reports, ...present({ elsewhere: others }) }))
  } else {
    for (const report of reports)
      for (const line of containmentLines(report, incident)) terminal.stdout(line)
    for (const line of elsewhereLines(elsewhere, app, incident)) terminal.stdout(line)
    const told = { tookMs: sinceBegun(), elsewhere: elsewhere.length }
    for (const line of lastLines(reports, incident, told)) terminal.stdout(line)
    // If nothing could be written, no log knows of it.
    if (reports.some(didSomething))
      terminal.stdout(`report    ${command(["report", incident, ...configWords(values)])}`)
  }
  return elsewhere.length > 0 ? exitCodes.person : exitOf(reports)
}

/** Milliseconds since this call. */
function stopwatch({ host }: Terminal): () => number {
  const began = host.monotonicMs()
  return () => host.monotonicMs() - began
}

/** Each step says how long after the command it comes. */
function timed(app: App, sinceBegun: () => number): App {
  return {
    ...app,
    onProgress: (environment, step, message, secret) =>
      app.onProgress(
        environment,
        step,
        `${message}  +${(sinceBegun() / 1000).toFixed(1)} s`,
        secret,
      ),
  }
}

/** The same once more: without the name, it would begin another incident. */
function againWords(values: Values, chosen: Selection, incident: string): readonly string[] {
  const isAll = isSet(values, "all") && [...chosen.values()].every((one) => one === undefined)
  const names = [...chosen].flatMap(
    ([environment, secrets]) =>
      secrets?.map((secret) => `${environment}/${secret}`) ?? [environment],
  )
  return [
    "rotate-now",
    ...(isAll ? ["--all"] : names),
    "--contain",
    ...["revoke-first", "yes"].flatMap((name) => (isSet(values, name) ? [`--${name}`] : [])),
    "--incident",
    incident,
    ...configWords(values),
  ]
}

async function withLeft(app: App, chosen: Selection): Promise<Selection> {
  const left = await leftBeside(app, chosen)
  return new Map([...chosen, ...left.map(({ name }) => [name, undefined] as const)])
}

/**
 * If a service holds one value, programs are cut off from the change to their restart: a person is
 * asked once.
 */
async function askWhereCutOff(
  terminal: Terminal,
  values: Values,
  app: App,
  chosen: Selection,
): Promise<void> {
  if (isSet(values, "yes") || isSet(values, "json") || !terminal.interactive()) return
  const cut = [...chosen].flatMap(([environment, names]) => {
    const secrets = Object.values(app.config.environments[environment]?.secrets ?? {})
    return secrets
      .filter(({ name }) => names === undefined || names.includes(name))
      .filter((secret) => isSet(values, "revoke-first") || holdsOne(app, secret))
      .map(({ name }) => `${environment}/${name}`)
  })
  if (cut.length === 0) return
  const shown =
    cut.length > 6 ? `${cut.slice(0, 6).join(", ")} and ${cut.length - 6} more` : cut.join(", ")
  if (
    !(await yesOrNo(
      terminal,
      `Programs that use ${shown} cannot log in from the change to their restart. Go on?`,
    ))
  )
    throw new AppError("stopped", "nothing was changed", {
      hint: "--dry-run says what would happen; --yes does not ask",
    })
}

function holdsOne(
  app: App,
  secret: { readonly driver: string; readonly options: unknown },
): boolean {
  const type = app.plugins.drivers.find((one) => one.type === secret.driver)
  return type?.overlap(type.options.parse(secret.options)) === "one"
}

/** Of an earlier rotation, secrets that are no part of the containment. */
function besideOf({ recovered, secrets }: Contained): readonly Outcome[] {
  return Object.entries(recovered).flatMap(([name, one]) =>
    secrets[name] === undefined ? [one] : [],
  )
}

/** Their end needs another run, or a look at their programs. */
function isLeftBeside(report: Contained): boolean {
  return besideOf(report).some(
    (one) =>
      one.kind === "waiting" ||
      (one.kind === "rotated" && one.unhealthy !== undefined) ||
      (one.kind === "rolled-back" && one.code === "back-unhealthy"),
  )
}

/**
 * What is not contained needs a person, and so does a rotation beside it that no run can end. If a
 * program did not become healthy, older sessions may live, or an output could not be written, the
 * new value holds all the same.
 */
function exitOf(reports: readonly Contained[]): number {
  const all = verdictsOf(reports)
  if (all.some(({ kind }) => kind === "not-contained") || reports.some(isUnknown))
    return exitCodes.person
  if (reports.some((report) => besideOf(report).some(({ kind }) => kind === "stuck")))
    return exitCodes.person
  if (
    all.some(({ kind }) => kind === "contained-for-new-logins") ||
    reports.some(
      (one) =>
        isUnhealthy(one) || isOwing(one) || isUnasked(one) || showsLeaked(one) || isLeftBeside(one),
    )
  )
    return exitCodes.partly
  return all.some(isContained) ? exitCodes.done : exitCodes.failed
}

function didSomething({ recovered, outcomes, before, revoked, unnoted }: Contained): boolean {
  if (unnoted === true && before.length + revoked.length === 0) return false
  return Object.keys({ ...recovered, ...outcomes }).length + before.length + revoked.length > 0
}
