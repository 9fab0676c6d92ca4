import type { App } from "../app/app.ts"
import { present } from "../base/present.ts"
import { type Contained, type Open, contain as act } from "../incident/contain.ts"
import type { Verdict } from "../incident/verdict.ts"
import { AppError } from "../base/error.ts"
import type { Outcome } from "../rotate/work.ts"
import { type Terminal, type Values, configWords, isSet } from "./command.ts"
import { unfinishedLine } from "./dry-run.ts"
import { exitCodes } from "./exit-codes.ts"
import { command } from "./report/blocks.ts"
import type { Selection } from "./selection.ts"
import { wayOut } from "./way-out.ts"
import { yesOrNo } from "./yes-or-no.ts"

export type Asked = {
  readonly chosen: Selection
  readonly incident: string | undefined
  readonly reason: string | undefined
}

/**
 * Someone has the credentials: what is chosen is contained, as much of it as can be, and what is
 * left is said with how to do it.
 */
export async function contain(
  terminal: Terminal,
  values: Values,
  app: App,
  asked: Asked,
): Promise<number> {
  await askWhereCutOff(terminal, values, app, asked.chosen)
  const began = terminal.host.monotonicMs()
  const incident =
    asked.incident ??
    `incident-${terminal.host.now().toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-")}`
  const timed: App = {
    ...app,
    onProgress: (environment, step, message, secret) =>
      app.onProgress(
        environment,
        step,
        `${message}  +${((terminal.host.monotonicMs() - began) / 1000).toFixed(1)} s`,
        secret,
      ),
  }
  if (!isSet(values, "json")) terminal.stderr(`incident  ${incident}`)
  const reports = await act(timed, asked.chosen, {
    incident,
    revokeFirst: isSet(values, "revoke-first"),
    ...present({ reason: asked.reason }),
  })
  if (isSet(values, "json")) terminal.stdout(JSON.stringify({ incident, reports }))
  else {
    for (const report of reports)
      for (const line of linesOf(report, incident)) terminal.stdout(line)
    for (const line of lastLines(reports, incident, terminal.host.monotonicMs() - began))
      terminal.stdout(line)
    // Where nothing could be written, no log knows of it.
    if (reports.some(didSomething))
      terminal.stdout(`report    ${command(["report", incident, ...configWords(values)])}`)
  }
  return exitOf(reports)
}

/**
 * Where one value lives, programs are cut off from the change to their restart: a person is asked,
 * once.
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

function linesOf(report: Contained, incident: string): readonly string[] {
  const lines: string[] = []
  const name = (secret: string): string => `${report.environment}/${secret}`
  if (report.failed !== undefined)
    lines.push(
      `${report.environment}: NOT finished: ${report.failed.message} (${report.failed.code})`,
      ...hint(report.failed.hint),
    )
  if (report.unnoted === true)
    lines.push(
      `${report.environment}: what is NOT contained could not be noted in the state: ` +
        "status and check will not remind you",
    )
  lines.push(...report.open.flatMap((one) => openLines(report.environment, one)))
  for (const [secret, one] of Object.entries(report.secrets)) {
    if (isContained(one) && one.before === true)
      lines.push(
        `${name(secret)}: contained before, by this ` +
          `incident${one.unhealthy === undefined ? "" : `, BUT ${one.unhealthy}`}`,
      )
    if (one.kind === "nothing-to-contain")
      lines.push(
        `${name(secret)}: nothing to contain, ${one.message}; if its login was kept, it works as before`,
      )
  }
  for (const [secret, outcome] of Object.entries({ ...report.recovered, ...report.outcomes }))
    lines.push(...outcomeLines(name(secret), outcome), ...wayOut(report.environment, outcome))
  for (const { secret, version, death } of report.revoked) {
    if (death.kind === "dead")
      lines.push(
        `${name(secret)}: ` +
          `${version === undefined ? "no other value is accepted any more" : `${version} is dead, its login is refused`}${death.sessionsEnded === 0 ? "" : `; ${death.sessionsEnded} older session${death.sessionsEnded === 1 ? "" : "s"} ended`}`,
        ...(death.notes ?? []).map((note) => `  note: ${note}`),
      )
    else
      lines.push(
        `${name(secret)}: ${version ?? "what was accepted before"} is NOT proven dead: ` +
          `${death.message} (${death.code})`,
        ...hint(death.hint),
      )
  }
  for (const [secret, one] of Object.entries(report.secrets)) {
    if (one.kind === "not-contained" && !isTold(report, secret))
      lines.push(`${name(secret)}: NOT contained: ${one.message} (${one.code})`, ...hint(one.hint))
    if (one.kind === "contained-for-new-logins")
      lines.push(
        `${name(secret)}: sessions that were opened before may live: ` +
          `${one.sessions.message} (${one.sessions.code})`,
        ...hint(one.sessions.hint),
      )
  }
  lines.push(...unwrittenLines(report, incident))
  if (isSick(report))
    lines.push(
      ...hint(
        "the program may be down: look at its log, and restart it so that it reads its files " +
          `again; then the same command with --incident ${incident} checks its health again ` +
          "(mycelium explain promoted-unhealthy)",
      ),
    )
  return lines
}

/** What the containment did not wait for. */
function openLines(environment: string, one: Open): readonly string[] {
  const [first = ""] = one.secrets
  const them = one.secrets.length === 1 ? first : "these"
  return [
    `${unfinishedLine(environment, one)}. It stays open: files go on showing what they showed of ${them}`,
    ...hint("mycelium status says what keeps it; mycelium run asks again, and ends it once it can"),
  ]
}

/** Each output once, whatever it shows. */
function unwrittenLines({ environment, secrets }: Contained, incident: string): readonly string[] {
  const all = Object.values(secrets).flatMap((one) =>
    isContained(one) && one.unwritten !== undefined ? [one.unwritten] : [],
  )
  if (all.length === 0) return []
  const outputs = new Map(all.flatMap((one) => Object.entries(one.outputs)))
  const programs = [...new Set(all.flatMap((one) => one.programs))]
  return [
    ...[...outputs].flatMap(([target, { message, code, hint: way }]) => [
      `${environment}: ${target} is not written, and stays as it is: ${message} (${code})`,
      ...hint(way),
    ]),
    ...programs.map(
      (name) =>
        `${environment}/${name} was not restarted with ` +
        `${outputs.size === 0 ? "the new value" : "what it reads there"}: ` +
        "it may hold a value that no longer works",
    ),
    ...hint(
      outputs.size === 0
        ? `mycelium run restarts it, or the same command with --incident ${incident} (mycelium ` +
            "explain output-owed)"
        : `put that file right; then the same command with --incident ${incident}, ` +
            "or mycelium run, writes it and restarts the programs that read it (mycelium explain " +
            "output-owed)",
    ),
  ]
}

function isOwing({ secrets }: Contained): boolean {
  return Object.values(secrets).some((one) => isContained(one) && one.unwritten !== undefined)
}

/** Why is said already. */
function isTold({ failed, recovered, outcomes, revoked }: Contained, secret: string): boolean {
  const outcome = { ...recovered, ...outcomes }[secret]
  return (
    failed !== undefined ||
    (outcome !== undefined && outcome.kind !== "rotated") ||
    revoked.some((one) => one.secret === secret && one.death.kind !== "dead")
  )
}

/** A program did not get healthy with a new value. */
function isSick({ secrets }: Contained): boolean {
  return Object.values(secrets).some((one) => isContained(one) && one.unhealthy !== undefined)
}

type Good = Extract<Verdict, { readonly version: string }>
function isContained(one: Verdict): one is Good {
  return one.kind === "contained" || one.kind === "contained-for-new-logins"
}

function outcomeLines(name: string, outcome: Outcome): readonly string[] {
  if (outcome.kind === "rotated")
    return [
      `${name}: ${outcome.version} is ` +
        `current${outcome.unhealthy === undefined ? "" : `, BUT ${outcome.unhealthy}; the compromised value is not put back`}`,
    ]
  const words = {
    left: "NOT changed",
    "rolled-back": "went back, as a rotation before it had begun to",
    waiting: "not decided yet",
    stuck: "STUCK",
  }[outcome.kind]
  return [
    `${name}: ${words}: ${outcome.message} (${outcome.code})`,
    ...(outcome.kind === "left" ? hint(outcome.hint) : []),
  ]
}

function hint(text: string | undefined): readonly string[] {
  return text === undefined ? [] : [`  hint: ${text}`]
}

function lastLines(
  reports: readonly Contained[],
  incident: string,
  tookMs: number,
): readonly string[] {
  const took = `in ${(tookMs / 1000).toFixed(1)} s`
  const count = (kind: Verdict["kind"]): number =>
    verdictsOf(reports).filter((one) => one.kind === kind).length
  const left = count("not-contained")
  if (left > 0)
    return [
      `${incident}: NOT all contained, ${left} left. The same command with --incident ` +
        `${incident} continues where it was, and does nothing twice.`,
    ]
  const sessions = count("contained-for-new-logins")
  const owes = owedWords(reports)
  if (sessions === 0)
    return [
      count("contained") === 0
        ? `${incident}: there was nothing to contain`
        : `${incident}: contained, ` +
          `${took}${owes}${count("nothing-to-contain") === 0 ? "" : "; what was deleted is not counted"}`,
    ]
  return [
    `${incident}: contained for new logins, ${took}; of ${sessions} ` +
      `secret${sessions === 1 ? "" : "s"}, sessions that were opened before may live. ` +
      "Nothing more is owed at the services; once mycelium may end them, the same command with " +
      `--incident ${incident} does${owes}.`,
  ]
}

function owedWords(reports: readonly Contained[]): string {
  const owed = verdictsOf(reports).flatMap((one) =>
    isContained(one) && one.unwritten !== undefined ? [one.unwritten] : [],
  )
  if (owed.length === 0) return ""
  const what = owed.some(({ outputs }) => Object.keys(outputs).length > 0)
    ? "not all that programs read is written"
    : "not every program was restarted"
  return `; ${what}: that is owed, and named above`
}

function verdictsOf(reports: readonly Contained[]): readonly Verdict[] {
  return reports.flatMap(({ secrets }) => Object.values(secrets))
}

/**
 * What an earlier rotation had begun of others, and what has not come to a good end: it has no part
 * in the containment, and needs a person.
 */
function isLeftBeside({ recovered, secrets }: Contained): boolean {
  return Object.entries(recovered).some(
    ([name, one]) =>
      secrets[name] === undefined &&
      (one.kind === "stuck" ||
        one.kind === "waiting" ||
        (one.kind === "rotated" && one.unhealthy !== undefined) ||
        (one.kind === "rolled-back" && one.code === "back-unhealthy")),
  )
}

/**
 * Whatever is left needs a person; where a program did not get healthy, older sessions may live, or
 * an output could not be written, the new value holds all the same.
 */
function exitOf(reports: readonly Contained[]): number {
  const all = verdictsOf(reports)
  if (all.some(({ kind }) => kind === "not-contained")) return exitCodes.person
  if (
    all.some(({ kind }) => kind === "contained-for-new-logins") ||
    reports.some((one) => isSick(one) || isOwing(one) || isLeftBeside(one))
  )
    return exitCodes.partly
  return all.some(isContained) ? exitCodes.done : exitCodes.failed
}

function didSomething({ recovered, outcomes, before, revoked, unnoted }: Contained): boolean {
  if (unnoted === true && before.length + revoked.length === 0) return false
  return Object.keys({ ...recovered, ...outcomes }).length + before.length + revoked.length > 0
}
