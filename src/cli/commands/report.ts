import { resolve } from "node:path"
import { actorOf, readFile } from "../../app/actor.ts"
import { type ReportSource, incidentReport, periodReport } from "../../incident/report/report.ts"
import { parseDuration } from "../../base/text/duration.ts"
import { AppError } from "../../base/error.ts"
import { type Command, type Terminal, type Values, configWords, isSet, textOf } from "../command.ts"
import { exitCodes } from "../exit-codes.ts"
import { instantOf } from "../instant.ts"
import { plugins } from "../../plugins/index.ts"
import { openToLook } from "../open-config.ts"
import type { Block } from "../report/blocks.ts"
import { html } from "../report/html.ts"
import { incidentBlocks } from "../report/incident.ts"
import { markdown } from "../report/markdown.ts"
import { periodBlocks } from "../report/period.ts"
import { mark, sealed, writeReport } from "../report/write.ts"

export const report: Command = {
  usage: [
    "report INCIDENT: what happened, whether it is over and what to do now, for readers who were not",
    "there; ends with 7 while something is left to contain, else with 0. report --since 90d [ENV…]: the",
    "review of a period; ends with 4 if a store is not as mycelium wrote it. Both are made from the logs",
    "and the states, which are verified if the identity can be read here; if not, the report says so at",
    "the top. Shows no value and changes nothing. Prints Markdown without --html or --json.",
  ].join("\n"),
  options: {
    since: {
      type: "string",
      value: "TIME",
      summary: "review the time from this instant (2026-11-01) or age (90d) on",
    },
    noticed: {
      type: "string",
      value: "TIME",
      summary: "when the incident was noticed; else when it began, by the log",
    },
    readers: {
      type: "string",
      value: "TIME",
      summary: "how long before the incident to look for readers of the values (30d)",
    },
    html: {
      type: "boolean",
      summary: "one self-contained page, to read or print",
    },
    out: {
      type: "string",
      value: "FILE",
      summary: "write it to FILE, mode 0600; replaces only a report that was not edited",
    },
    force: { type: "boolean", summary: "with --out: replace any file" },
  },
  looks: true,
  run: async (terminal, args, values) => {
    refuseContradictions(values)
    const { config } = await openToLook(terminal, values)
    const context: ReportSource = {
      config,
      plugins,
      host: terminal.host,
      me: { uid: terminal.uid, gid: process.getgid?.() ?? 0 },
      actor: actorOf({ uid: terminal.uid, env: terminal.host.env, read: readFile }, "report"),
      stop: terminal.stop,
    }
    const since = textOf(values, "since")
    return since === undefined
      ? incident(terminal, values, context, args)
      : period(terminal, values, context, { since, args })
  },
}

async function incident(
  terminal: Terminal,
  values: Values,
  context: ReportSource,
  [name, more]: readonly string[],
): Promise<number> {
  if (name === undefined || more !== undefined)
    throw new AppError("usage", "name one incident, or a time with --since", {
      hint: "rotate-now --contain printed the incident's name; mycelium audit shows it, too",
    })
  const readersMs = parseDuration(textOf(values, "readers") ?? "30d")
  if (readersMs === undefined) throw new AppError("usage", "--readers takes a duration such as 30d")
  const noticed = textOf(values, "noticed")
  const found = await incidentReport(context, {
    incident: name,
    readersMs,
    ...(noticed === undefined
      ? {}
      : { noticed: instantOf(noticed, "noticed", terminal.host.now()) }),
  })
  if ("known" in found)
    throw new AppError("usage", "no log knows this incident", {
      hint:
        found.known.length === 0
          ? "no incident stands in the logs"
          : `they know: ${found.known.slice(-10).join(", ")}`,
    })
  await give(terminal, values, found, incidentBlocks(found, configWords(values)))
  return found.contained ? exitCodes.done : exitCodes.person
}

async function period(
  terminal: Terminal,
  values: Values,
  context: ReportSource,
  { since, args }: { readonly since: string; readonly args: readonly string[] },
): Promise<number> {
  const names = Object.keys(context.config.environments)
  if (args.some((name) => !names.includes(name)))
    throw new AppError("usage", "there is no such environment in the config", {
      hint: `it has: ${names.join(", ")}`,
    })
  const found = await periodReport(
    context,
    args.length > 0 ? args : names,
    instantOf(since, "since", terminal.host.now()),
  )
  await give(terminal, values, found, periodBlocks(found, configWords(values)))
  return found.environments.some(({ forged }) => forged !== undefined)
    ? exitCodes.check
    : exitCodes.done
}

function refuseContradictions(values: Values): void {
  const against = (one: string, other: string): void => {
    if (values[one] !== undefined && values[other] !== undefined)
      throw new AppError("usage", `--${one} and --${other} contradict each other`, {
        hint: "leave one out",
      })
  }
  against("html", "json")
  against("since", "noticed")
  against("since", "readers")
  if (isSet(values, "force") && textOf(values, "out") === undefined)
    throw new AppError("usage", "--force belongs to --out", {
      hint: "add --out FILE, or leave it out",
    })
}

type Form = "json" | "html" | "markdown"

function formOf(values: Values): Form {
  if (isSet(values, "json")) return "json"
  return isSet(values, "html") ? "html" : "markdown"
}

function textIn(form: Form, data: object, blocks: readonly Block[]): string {
  if (form === "json") return `${JSON.stringify({ generator: mark, ...data })}\n`
  return form === "html" ? html(blocks, mark) : markdown(blocks, mark)
}

async function give(
  terminal: Terminal,
  values: Values,
  data: object,
  blocks: readonly Block[],
): Promise<void> {
  const text = textIn(formOf(values), data, blocks)
  const file = textOf(values, "out")
  if (file === undefined) return terminal.stdout(sealed(text).trimEnd())
  const path = resolve(terminal.cwd, file)
  await writeReport(path, sealed(text), isSet(values, "force"))
  terminal.stderr(`written to ${path}`)
}
