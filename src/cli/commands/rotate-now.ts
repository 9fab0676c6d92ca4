import { type Report, rotateNow as rotate } from "../../app/rotate-now.ts"
import { AppError } from "../../base/error.ts"
import { formatDuration, parseDuration } from "../../base/duration.ts"
import type { Config } from "../../config/model.ts"
import { type Command, type Terminal, type Values, isSet, textOf } from "../command.ts"
import { exitCodes } from "../exit-codes.ts"
import { openApp, openConfig } from "../open-app.ts"

/** "production/redis", "production", several, or --all: by environment; undefined stands for all that fits. */
export function selectionOf(config: Config, args: readonly string[], all: boolean): ReadonlyMap<string, readonly string[] | undefined> {
  const names = Object.keys(config.environments)
  if (all) return new Map(names.map((name) => [name, undefined]))
  if (args.length === 0) throw new AppError("usage", "name what to rotate", { hint: `one or more of: ${names.join(" ")} (or ENV/SECRET, or --all)` })
  const chosen = new Map<string, readonly string[] | undefined>()
  for (const arg of args) {
    const [environment = "", secret, more] = arg.split("/")
    const found = config.environments[environment]
    if (found === undefined || more !== undefined) throw new AppError("usage", `there is no environment ${JSON.stringify(environment)} in the config`, { hint: `it has: ${names.join(", ")}` })
    if (secret !== undefined && found.secrets[secret] === undefined) throw new AppError("usage", `there is no secret ${JSON.stringify(secret)} in ${environment}`, { hint: `it has: ${Object.keys(found.secrets).join(", ")}` })
    const before = chosen.get(environment)
    if (secret === undefined) chosen.set(environment, undefined)
    else if (before !== undefined || !chosen.has(environment)) chosen.set(environment, [...new Set([...(before ?? []), secret])])
  }
  return chosen
}

export const rotateNow: Command = {
  usage: [
    "Rotates at once, in one change set an environment: a new value, made to be accepted, proven by a login, written to the",
    "outputs, deployments restarted and proven healthy; then the old value is taken away and proven dead. Anything that goes",
    "wrong goes back to the old value. Without a selection it lists what there is.",
  ].join("\n"),
  options: {
    all: { type: "boolean", says: "every environment" },
    new: { type: "boolean", says: "make the first value of secrets that have none" },
    "dry-run": { type: "boolean", says: "say what would happen, and what stands in the way; change nothing" },
    reason: { type: "string", value: "TEXT", says: "goes into the audit log" },
    "skip-grace": { type: "boolean", says: "first revoke values that are still in their grace" },
    wait: { type: "string", value: "TIME", says: "wait for graces up to so long, then revoke (15m)" },
    "no-wait": { type: "boolean", says: "leave revokes that are in their grace to run" },
  },
  run: async (terminal, args, values) => {
    const chosen = selectionOf(await openConfig(terminal, values), args, isSet(values, "all"))
    const waitMs = isSet(values, "no-wait") ? 0 : parseDuration(textOf(values, "wait") ?? "15m")
    if (waitMs === undefined) throw new AppError("usage", "--wait takes a duration such as 15m")
    const app = await openApp(terminal, values, "rotate-now")
    const reason = textOf(values, "reason")
    if (isSet(values, "dry-run")) {
      const { dryRun } = await import("../dry-run.ts")
      return dryRun(terminal, values, app, chosen)
    }
    const reports: Report[] = []
    for (const [environment, secrets] of chosen) {
      reports.push(
        await rotate(app, environment, {
          why: isSet(values, "new") ? "new" : "asked",
          ...(secrets === undefined ? {} : { secrets }),
          ...(reason === undefined ? {} : { reason: reason.slice(0, 500) }),
          skipGrace: isSet(values, "skip-grace"),
          waitMs,
        }),
      )
    }
    return say(terminal, values, reports)
  },
}

function say(terminal: Terminal, values: Values, reports: readonly Report[]): number {
  if (isSet(values, "json")) terminal.out(JSON.stringify({ reports }))
  else for (const report of reports) terminal.out(reportText(report, terminal.host.now()))
  return exitOf(reports)
}

function reportText(report: Report, now: Date): string {
  const lines: string[] = []
  const name = (secret: string): string => `${report.environment}/${secret}`
  for (const [secret, outcome] of Object.entries({ ...report.recovered, ...report.outcomes })) {
    if (outcome.is === "rotated") lines.push(`${name(secret)}: rotated, ${outcome.version} is current${outcome.unhealthy === undefined ? "" : `, BUT ${outcome.unhealthy}`}`)
    else {
      const words = { left: "left as it was", "rolled-back": "went back to the old value", waiting: "not decided yet", stuck: "STUCK" }[outcome.is]
      lines.push(`${name(secret)}: ${words}: ${outcome.says} (${outcome.code})`)
      if (outcome.is === "left" && outcome.hint !== undefined) lines.push(`  hint: ${outcome.hint}`)
      if (outcome.is === "waiting") lines.push("  the journal is open: the same command, or mycelium run, asks the service again")
      if (outcome.is === "stuck") lines.push("  nothing was written anywhere; every value that we ever handed out is sealed in the state")
    }
  }
  for (const { secret, version, death } of report.revoked) {
    if (death.is === "dead") lines.push(`${name(secret)}: ${version} is revoked, its login is refused`)
    else lines.push(`${name(secret)}: ${version} is NOT proven dead: ${death.says} (${death.code})`)
  }
  const undone = report.owed.filter((one) => !report.revoked.some(({ secret, version }) => secret === one.secret && version === one.version))
  for (const one of undone) lines.push(`${name(one.secret)}: ${one.version} stays accepted for ${formatDuration(Date.parse(one.revokeAt) - now.getTime())}; mycelium run revokes it then`)
  if (report.untouched.length > 0) lines.push(`${report.environment}: without a value, left alone: ${report.untouched.join(", ")} (adopt, or rotate-now --new)`)
  return lines.length === 0 ? `${report.environment}: nothing to rotate` : lines.join("\n")
}

function exitOf(reports: readonly Report[]): number {
  const outcomes = reports.flatMap((report) => Object.values({ ...report.recovered, ...report.outcomes }))
  const deaths = reports.flatMap((report) => report.revoked.map((one) => one.death))
  if (outcomes.some((one) => one.is === "stuck" || one.is === "waiting") || deaths.some((one) => one.is !== "dead")) return exitCodes.person
  const good = outcomes.filter((one) => one.is === "rotated" && one.unhealthy === undefined).length
  const nothingDone = outcomes.length === 0 && reports.some((report) => report.untouched.length > 0)
  if (good === outcomes.length && !nothingDone) return exitCodes.done
  return outcomes.some((one) => one.is === "rotated") ? exitCodes.partly : exitCodes.failed
}
