import { readFile } from "node:fs/promises"
import { parseDuration } from "../../base/duration.ts"
import { AppError } from "../../base/error.ts"
import type { Config } from "../../config/model.ts"
import { type AuditEntry, readLog, verifyLog } from "../../record/audit-read.ts"
import { type Place, readState } from "../../record/state-file.ts"
import { type Command, type Terminal, type Values, isSet, textOf } from "../command.ts"
import { columns } from "../columns.ts"
import { exitCodes } from "../exit-codes.ts"
import { openConfig } from "../open-app.ts"

export const audit: Command = {
  usage: [
    "audit [ENV…]: what happened, the oldest first. audit verify [ENV…]: follows the chain of hashes through each log and",
    "holds its end against the state; prints each head, to be kept where nobody can change it (--heads FILE reads them again).",
  ].join("\n"),
  options: {
    secret: { type: "string", value: "NAME", says: "only this secret" },
    user: { type: "string", value: "NAME", says: "only what this user did" },
    since: { type: "string", value: "TIME", says: "an instant (2026-11-01) or an age (90d)" },
    heads: { type: "string", value: "FILE", says: "verify: lines ENV N HEAD, as verify printed them" },
  },
  run: async (terminal, args, values) => {
    const config = await openConfig(terminal, values)
    const verify = args[0] === "verify"
    const named = verify ? args.slice(1) : args
    const unknown = named.find((name) => config.environments[name] === undefined)
    if (unknown !== undefined) throw new AppError("usage", "there is no such environment in the config", { hint: `it has: ${Object.keys(config.environments).join(", ")}` })
    const names = named.length > 0 ? named : Object.keys(config.environments)
    return verify ? verifyAll(terminal, values, config, names) : list(terminal, values, config, names)
  },
}

function placeOf(config: Config, environment: string): Place {
  return { store: config.store, project: config.project, environment }
}

async function list(terminal: Terminal, values: Values, config: Config, names: readonly string[]): Promise<number> {
  const since = sinceOf(textOf(values, "since"), terminal.host.now())
  const fits = (entry: AuditEntry): boolean =>
    entry.at >= since && (textOf(values, "secret") ?? entry["secret"]) === entry["secret"] && (textOf(values, "user") ?? entry.user) === entry.user
  const rows: (readonly string[])[] = []
  for (const environment of names) {
    for await (const { entry } of readLog(placeOf(config, environment))) {
      if (entry === undefined || !fits(entry)) continue
      if (isSet(values, "json")) terminal.out(JSON.stringify({ environment, ...entry }))
      else rows.push([`${entry.at.slice(0, 19)}Z`, `${environment}${typeof entry["secret"] === "string" ? `/${entry["secret"]}` : ""}`, entry.event, String(entry["version"] ?? ""), [entry["code"], entry["reason"], entry["target"]].filter((one) => one !== undefined).join(" "), `${entry.user} (${entry.via})`])
    }
  }
  for (const line of columns(rows)) terminal.out(line)
  return exitCodes.done
}

function sinceOf(text: string | undefined, now: Date): string {
  if (text === undefined) return ""
  const age = parseDuration(text)
  if (age !== undefined) return new Date(now.getTime() - age).toISOString()
  const at = new Date(text)
  if (Number.isNaN(at.getTime())) throw new AppError("usage", "--since takes an instant such as 2026-11-01, or an age such as 90d")
  return at.toISOString()
}

async function verifyAll(terminal: Terminal, values: Values, config: Config, names: readonly string[]): Promise<number> {
  const kept = await keptHeads(textOf(values, "heads"))
  const results = await Promise.all(
    names.map(async (environment) => {
      const document = await readState(placeOf(config, environment))
      return { environment, ...(await verifyLog(placeOf(config, environment), document?.audit, kept.get(environment) ?? new Map())) }
    }),
  )
  if (isSet(values, "json")) terminal.out(JSON.stringify({ logs: results }))
  for (const { environment, lines, head, faults, torn } of isSet(values, "json") ? [] : results) {
    for (const fault of faults) terminal.talk(`${environment}: ${fault}`)
    if (torn > 0) terminal.talk(`${environment}: ${torn} torn line${torn === 1 ? "" : "s"}, closed after a crash`)
    terminal.out(`${environment} ${lines} ${head}`)
  }
  return results.some(({ faults }) => faults.length > 0) ? exitCodes.check : exitCodes.done
}

async function keptHeads(file: string | undefined): Promise<ReadonlyMap<string, ReadonlyMap<number, string>>> {
  const kept = new Map<string, Map<number, string>>()
  if (file === undefined) return kept
  const text = await readFile(file, "utf8").catch(() => {
    throw new AppError("usage", `cannot read ${file}`)
  })
  for (const line of text.split("\n").filter((one) => one.trim() !== "")) {
    const [environment, n, head] = line.trim().split(/\s+/)
    if (environment === undefined || !Number.isInteger(Number(n)) || head === undefined || !/^[0-9a-f]{64}$/.test(head)) throw new AppError("usage", `${file} holds a line that is no head`, { hint: "each line is: ENVIRONMENT NUMBER HEAD" })
    const heads = kept.get(environment) ?? new Map<number, string>()
    kept.set(environment, heads.set(Number(n), head))
  }
  return kept
}
