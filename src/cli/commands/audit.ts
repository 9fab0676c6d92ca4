import { shownName } from "../../base/text/shown-name.ts"
import { parseDuration } from "../../base/text/duration.ts"
import { AppError } from "../../base/error.ts"
import type { Config } from "../../config/model.ts"
import { type Due, dueCauses, sayDue } from "../../core/due.ts"
import { type AuditEntry, readWhole } from "../../record/audit-read.ts"
import type { StateKey } from "../../record/state-file.ts"
import { verifyAll } from "../audit-verify.ts"
import { type Command, type Terminal, type Values, isSet, textOf } from "../command.ts"
import { columns } from "../columns.ts"
import { exitCodes } from "../exit-codes.ts"
import { openToLook } from "../open-config.ts"

export const audit: Command = {
  usage: [
    "audit [ENV…]: what happened, the oldest first. audit verify [ENV…]: follows the chain of hashes",
    "through each log and compares its end with the state. If the identity can be read here, it also",
    "verifies the state's MAC. It prints each log's head: keep it in a place where it cannot be changed.",
    "--heads FILE compares the log with heads that were kept (lines ENV N HEAD, or the output of",
    "journalctl -t mycelium-audit).",
  ].join("\n"),
  options: {
    secret: { type: "string", value: "NAME", summary: "only this secret: SECRET or ENV/SECRET" },
    user: {
      type: "string",
      value: "NAME",
      summary: "only what this user did, directly or by sudo",
    },
    incident: { type: "string", value: "ID", summary: "only what was done for this incident" },
    since: {
      type: "string",
      value: "TIME",
      summary: "from this instant (2026-11-01, 2026-11-01T09:30Z) or age (90d) on",
    },
    until: {
      type: "string",
      value: "TIME",
      summary: "up to this instant or age; a day counts to its end",
    },
    heads: {
      type: "string",
      value: "FILE",
      summary: "with verify: a file of heads that were kept elsewhere",
    },
  },
  looks: true,
  run: async (terminal, args, values) => {
    const { config } = await openToLook(terminal, values)
    const verify = args[0] === "verify"
    const named = verify ? args.slice(1) : args
    const unknown = named.find((name) => config.environments[name] === undefined)
    if (unknown !== undefined)
      throw new AppError("usage", "there is no such environment in the config", {
        hint: `it has: ${Object.keys(config.environments).join(", ")}`,
      })
    const foreign = Object.keys(audit.options).find(
      (option) => values[option] !== undefined && (option === "heads") !== verify,
    )
    if (foreign !== undefined)
      throw new AppError(
        "usage",
        `--${foreign} is ${verify ? "no option of audit verify" : "an option of audit verify"}`,
      )
    const names = named.length > 0 ? named : Object.keys(config.environments)
    return verify
      ? verifyAll(terminal, values, config, names)
      : list(terminal, values, config, names)
  },
}

function placeOf(config: Config, environment: string): StateKey {
  return { store: config.store, project: config.project, environment }
}

type Found = { readonly environment: string; readonly entry: AuditEntry }

async function list(
  terminal: Terminal,
  values: Values,
  config: Config,
  names: readonly string[],
): Promise<number> {
  const fits = filterOf(values, terminal.host.now())
  const found: Found[] = []
  for (const environment of names) {
    for await (const { entry } of readWhole(placeOf(config, environment)))
      if (entry !== undefined && fits({ environment, entry })) found.push({ environment, entry })
  }
  if (found.length === 0) sayNone(terminal, values, config)
  // Each log is in order; together they are by time.
  if (names.length > 1) found.sort((one, other) => byText(one.entry.at, other.entry.at))
  if (isSet(values, "json"))
    for (const { environment, entry } of found)
      terminal.stdout(JSON.stringify({ environment, ...entry }))
  else for (const line of columns(found.map(rowOf))) terminal.stdout(line)
  return exitCodes.done
}

function byText(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}

/** A name that nothing knows is a slip of the hand: an empty list would read as "nothing happened". */
function sayNone(terminal: Terminal, values: Values, config: Config): void {
  const [secret, incident] = [textOf(values, "secret"), textOf(values, "incident")]
  const none = "the audit log has no such entry"
  if (incident !== undefined)
    throw new AppError("usage", `${none}: see that the incident's name is right`, {
      hint: "mycelium audit lists all entries; mycelium report lists the incidents",
    })
  if (secret !== undefined && !isOfConfig(config, secret))
    throw new AppError("usage", `${none}, and the config has no such secret`, {
      hint: "the name is SECRET or ENV/SECRET, as mycelium status lists them",
    })
  terminal.stderr(none)
}

function isOfConfig({ environments }: Config, secret: string): boolean {
  return Object.entries(environments).some(([environment, { secrets }]) =>
    Object.keys(secrets).some((name) => secret === name || secret === `${environment}/${name}`),
  )
}

function isNamed(asked: string, environment: string, secret: unknown): boolean {
  return secret === asked || `${environment}/${String(secret)}` === asked
}

function filterOf(values: Values, now: Date): (found: Found) => boolean {
  const [secret, user, incident] = [
    textOf(values, "secret"),
    textOf(values, "user"),
    textOf(values, "incident"),
  ]
  const since = instantOf(values, "since", now)
  const until = instantOf(values, "until", now)
  return ({ environment, entry }) =>
    (since === undefined || entry.at >= since) &&
    (until === undefined || entry.at <= until) &&
    (secret === undefined ||
      isNamed(secret, environment, entry["secret"]) ||
      (Array.isArray(entry["secrets"]) &&
        entry["secrets"].some((one) => isNamed(secret, environment, one)))) &&
    (user === undefined ||
      entry.user === user ||
      entry.via.split(", ").includes(`SUDO_USER ${user}`)) &&
    (incident === undefined || entry["incident"] === incident)
}

function instantOf(values: Values, option: "since" | "until", now: Date): string | undefined {
  const text = textOf(values, option)
  if (text === undefined) return undefined
  const age = parseDuration(text)
  if (age !== undefined) return new Date(Math.max(0, now.getTime() - age)).toISOString()
  const at = /^\d{4}-\d\d-\d\d/.test(text)
    ? new Date(
        option === "until" && /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T23:59:59.999Z` : text,
      )
    : new Date(Number.NaN)
  if (Number.isNaN(at.getTime()))
    throw new AppError(
      "usage",
      `--${option} takes an instant such as 2026-11-01 or 2026-11-01T09:30Z, or an age such as 90d`,
    )
  return at.toISOString()
}

function rowOf({ environment, entry }: Found): readonly string[] {
  const { secret, secrets, version, incident, why, due, code, reason, target, server, unasked } =
    entry as AuditEntry & Readonly<Record<string, unknown>>
  const more = [
    ...(incident === undefined ? [] : [`incident ${String(incident)}`]),
    ...[isDue(due) ? sayDue(due) : why, code, reason, target, server]
      .filter((one) => one !== undefined)
      .map(String),
    ...(Array.isArray(secrets) ? [secrets.join(" ")] : []),
    ...(Array.isArray(unasked) ? [`not asked: ${unasked.join(" ")}`] : []),
  ]
  return [
    `${entry.at.slice(0, 19)}Z`,
    `${environment}${typeof secret === "string" ? `/${secret}` : ""}`,
    entry.event,
    String(version ?? ""),
    more.join(" "),
    `${entry.user} (${entry.via})`,
  ].map(shownName)
}

/** A log is read without its key: what stands in it is not taken for granted. */
function isDue(value: unknown): value is Due {
  if (typeof value !== "object" || value === null || !("by" in value)) return false
  return (
    typeof value.by === "string" &&
    Object.hasOwn(dueCauses, value.by) &&
    "tick" in value &&
    typeof value.tick === "string"
  )
}
