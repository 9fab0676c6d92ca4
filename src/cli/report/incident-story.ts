import type { IncidentReport, Step } from "../../incident/report/model.ts"
import { formatDuration } from "../../base/text/duration.ts"
import { type Block, instant, many } from "./blocks.ts"

/** What happened in an incident: in a paragraph, and step by step. */

export function storyBlocks(report: IncidentReport): readonly Block[] {
  return [
    { kind: "heading", text: "What happened" },
    { kind: "text", text: story(report) },
    {
      kind: "table",
      head: ["time", "after", "what"],
      rows: report.timeline.map((step) => [
        instant(step.at),
        since(report.begun, step.at),
        stepText(step),
      ]),
    },
  ]
}

function story(report: IncidentReport): string {
  const { begun, containedAt, healthyAt, reasons, actors, secrets, unhealthy } = report
  const environments = new Set(secrets.map(({ environment }) => environment)).size
  return [
    beginning(report),
    `${many(secrets.length, "secret")} of ${many(environments, "environment")} ` +
      `${secrets.length === 1 ? "was" : "were"} chosen.`,
    ...(containedAt === undefined
      ? []
      : [`The last one was contained after ${took(begun, containedAt)}.`]),
    ...(healthyAt === undefined
      ? []
      : [`The last program was up again with its new values after ${took(begun, healthyAt)}.`]),
    ...programsText(unhealthy),
    `Who acted: ${actors.join("; ")}.`,
    ...(reasons.length === 0 ? [] : [`Reason given: ${reasons.join("; ")}.`]),
  ].join(" ")
}

function programsText(unhealthy: IncidentReport["unhealthy"]): readonly string[] {
  const old = unhealthy.filter(({ notRestarted }) => notRestarted === true).length
  const failed = unhealthy.length - old
  return [
    ...(old === 0 ? [] : [`${many(old, "program")} ${old === 1 ? "was" : "were"} not restarted.`]),
    ...(failed === 0 ? [] : [`${many(failed, "program")} did not get healthy.`]),
  ]
}

function beginning({ noticed, begun }: IncidentReport): string {
  const at = instant(noticed.at)
  return noticed.given
    ? `It was noticed at ${at}, and the containment began at ${instant(begun)}, ` +
        `${took(noticed.at, begun)} later.`
    : `It was noticed at ${at} (the first that the logs know of it; ` +
        `--noticed gives the real time), and the containment began at ${instant(begun)}.`
}

/** Wall-clock, in tenths below a minute: incidents are over in seconds. */
function took(from: string, to: string): string {
  const ms = Math.max(0, Date.parse(to) - Date.parse(from))
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : formatDuration(ms)
}

function since(begun: string, at: string): string {
  return at < begun ? `−${took(at, begun)}` : `+${took(begun, at)}`
}

function stepText({ what, environment = "", subject = "", code = "", user = "" }: Step): string {
  const place = subject === "" ? environment : `${environment}/${subject}`
  switch (what) {
    case "noticed":
      return "noticed"
    case "begun":
      return `${environment}: a run began, by ${user}`
    case "contained":
      return subject.includes(" ") ? `${environment}: ${subject} contained` : `${place} contained`
    case "restart":
      return `${place} restarted; it has no health check`
    case "healthy":
      return `${place} restarted, and healthy`
    case "well":
      return `${place} found healthy again`
    case "old":
      return `${place} is healthy by its check; it had not been restarted, and may have held the old value`
    case "erased":
      return `${place} was erased; ${erasedLogin(code)}`
    case "failed":
      return `${place}: ${code}`
  }
}

function erasedLogin(login: string): string {
  if (login === "ends") return "its login was ended"
  if (login === "ended") return "that its login is ended is a person's word"
  return login === "kept" ? "its login was left as it was" : "it had no login"
}
