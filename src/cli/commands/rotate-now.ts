import { present } from "../../base/present.ts"
import type { Narrowed } from "../exposed.ts"
import { type Report, rotateNow as rotate } from "../../app/rotate-now.ts"
import { AppError } from "../../base/error.ts"
import { parseDuration } from "../../base/text/duration.ts"
import type { App } from "../../app/app.ts"
import { type Command, type Terminal, type Values, isSet, textOf, textsOf } from "../command.ts"
import { EndedFirst } from "../ended-first.ts"
import { exitCodes } from "../exit-codes.ts"
import { fail } from "../fail.ts"
import { openApp, openConfig } from "../open-app.ts"
import { exitOfRotations, rotationLines } from "../rotation-report.ts"
import { type Selection, selectionOf } from "../selection.ts"

export const rotateNow: Command = {
  usage: [
    "Rotates at once, in one change set for each environment: makes a new value, sets it at the service,",
    "proves it by a login, writes it to the outputs, restarts deployments and proves them healthy. Then",
    "it takes the old value away and proves it dead. If something fails, it goes back to the old value.",
    "Without a selection it does nothing, and the error lists what you can choose.",
  ].join("\n"),
  options: {
    all: { type: "boolean", summary: "every environment" },
    new: { type: "boolean", summary: "make the first value of secrets that have none" },
    "dry-run": {
      type: "boolean",
      summary: "say what would happen and what would block it; change nothing",
    },
    tag: {
      type: "string",
      value: "WORD",
      multiple: true,
      summary: "only secrets with this tag; without a selection, those of every environment",
    },
    "exposed-in": {
      type: "string",
      value: "FILE",
      summary:
        'only secrets of which this text holds a version, of any stage, raw or encoded; "-" reads stdin',
    },
    reason: { type: "string", value: "TEXT", summary: "goes into the audit log" },
    incident: {
      type: "string",
      value: "ID",
      summary:
        "a name that ties runs together; with --contain, secrets contained under it are left alone",
    },
    contain: {
      type: "boolean",
      summary:
        "credentials have leaked: fresh values, no rollback, no grace; then every other value and " +
        "every older session ends",
    },
    "revoke-first": {
      type: "boolean",
      summary:
        "with --contain: take access away before files are written and programs restart; they are " +
        "down until they have restarted",
    },
    yes: {
      type: "boolean",
      summary: "with --contain: do not ask before programs are cut off",
    },
    "skip-grace": { type: "boolean", summary: "first revoke values that are still in their grace" },
    wait: {
      type: "string",
      value: "TIME",
      summary: "how long to wait for graces, then revoke (15m)",
    },
    "no-wait": {
      type: "boolean",
      summary: "do not wait for graces: mycelium run revokes after them",
    },
  },
  run: async (terminal, args, values) => {
    const config = await openConfig(terminal, values)
    const waitMs = waitMsOf(values)
    refuseContradictions(values, args)
    const incident = incidentOf(values)
    const narrowing = { tags: textsOf(values, "tag"), exposedIn: textOf(values, "exposed-in") }
    const selected = selectionOf(config, args, {
      all: isSet(values, "all") || narrowing.exposedIn !== undefined,
      tags: narrowing.tags,
    })
    const app = await openApp(terminal, values, "rotate-now")
    const { chosen, beyond } =
      narrowing.exposedIn === undefined
        ? { chosen: selected, beyond: [] }
        : await onlyExposed(terminal, app, selected, {
            file: narrowing.exposedIn,
            urgent: !isSet(values, "dry-run"),
          })
    const reason = textOf(values, "reason")?.slice(0, 500)
    const code =
      chosen.size === 0
        ? exitCodes.done
        : await act(terminal, values, app, { chosen, incident, reason, waitMs })
    // What was exposed and cannot be changed from here needs a person, even if all else succeeds.
    return beyond.length === 0 ? code : exitCodes.person
  },
}

type Asked = {
  readonly chosen: Selection
  readonly incident: string | undefined
  readonly reason: string | undefined
  readonly waitMs: number
}

async function act(
  terminal: Terminal,
  values: Values,
  app: App,
  { chosen, incident, reason, waitMs }: Asked,
): Promise<number> {
  if (isSet(values, "dry-run")) {
    const { dryRun } = await import("../dry-run.ts")
    return dryRun(terminal, values, app, chosen)
  }
  if (isSet(values, "contain")) {
    const { contain } = await import("../contain.ts")
    return contain(terminal, values, app, { chosen, incident, reason })
  }
  const options = {
    why: isSet(values, "new") ? ("new" as const) : ("asked" as const),
    ...present({ reason, incident }),
    skipGrace: isSet(values, "skip-grace"),
    waitMs,
  }
  const first = new EndedFirst()
  const heard = first.heard(app)
  const { reports, ended } = await inOrder(terminal, chosen, (environment, secrets) =>
    rotate(heard, environment, { ...options, ...present({ secrets }) }),
  )
  if (ended === undefined) return say(terminal, values, reports)
  // What was done before is printed all the same, and keeps its exit code if that needs a person.
  const done = reports.length === 0 ? exitCodes.done : say(terminal, values, reports)
  const told = reports.map(({ environment }) => environment)
  const tell = isSet(values, "json") ? terminal.stderr : terminal.stdout
  const code = first.say(tell, await fail(terminal, ended), told)
  return done === exitCodes.person ? done : code
}

function waitMsOf(values: Values): number {
  if (isSet(values, "no-wait")) return 0
  const waitMs = parseDuration(textOf(values, "wait") ?? "15m")
  if (waitMs === undefined) throw new AppError("usage", "--wait takes a duration such as 15m")
  return waitMs
}

/** One environment after the other, until a fault, or a request to stop, ends it. */
async function inOrder(
  terminal: Terminal,
  chosen: Selection,
  act: (environment: string, secrets: readonly string[] | undefined) => Promise<Report>,
): Promise<{ readonly reports: readonly Report[]; readonly ended?: unknown }> {
  const reports: Report[] = []
  const names = [...chosen.keys()]
  for (const [environment, secrets] of chosen) {
    if (terminal.stop.aborted && reports.length > 0)
      return {
        reports,
        ended: new AppError(
          "stopped",
          `interrupted: not begun: ${names.slice(reports.length).join(", ")}`,
          { remedy: "retry" },
        ),
      }
    try {
      reports.push(await act(environment, secrets))
    } catch (ended) {
      return { reports, ended }
    }
  }
  return { reports }
}

async function onlyExposed(
  terminal: Terminal,
  app: App,
  selected: Selection,
  options: { readonly file: string; readonly urgent: boolean },
): Promise<Narrowed> {
  const { narrowToExposed } = await import("../exposed.ts")
  return narrowToExposed(terminal, app, selected, options)
}

function incidentOf(values: Values): string | undefined {
  const incident = textOf(values, "incident")
  if (incident !== undefined && !/^[A-Za-z0-9][\w.-]{0,63}$/.test(incident))
    throw new AppError(
      "usage",
      "--incident takes a word of letters, digits, dots and dashes, at most 64",
    )
  return incident
}

function refuseContradictions(values: Values, args: readonly string[]): void {
  if (isSet(values, "contain")) refuseBesideContain(values)
  else {
    const lonely = ["revoke-first", "yes"].find((name) => isSet(values, name))
    if (lonely !== undefined)
      throw new AppError("usage", `--${lonely} belongs to --contain`, {
        hint: "add --contain, or leave it out",
      })
  }
  if (isSet(values, "all") && args.length > 0)
    throw new AppError("usage", "--all and a selection contradict each other", {
      hint: "leave one out",
    })
}

function refuseBesideContain(values: Values): void {
  const against =
    ["new", "skip-grace", "no-wait"].find((name) => isSet(values, name)) ??
    (textOf(values, "wait") === undefined ? undefined : "wait")
  if (against === undefined) return
  throw new AppError("usage", `--contain and --${against} contradict each other`, {
    hint:
      against === "new"
        ? "a secret without a value has nothing to contain"
        : "--contain grants no grace: leave it out",
  })
}

function say(terminal: Terminal, values: Values, reports: readonly Report[]): number {
  if (isSet(values, "json")) terminal.stdout(JSON.stringify({ reports }))
  else
    for (const report of reports)
      terminal.stdout(rotationLines(report, terminal.host.now()).join("\n"))
  return exitOfRotations(reports, terminal.host.now())
}
