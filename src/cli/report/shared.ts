import type { PolicyState } from "../../incident/report/policy.ts"
import type { Reader } from "../../incident/report/readers.ts"
import { formatDuration } from "../../base/text/duration.ts"
import { type Result, bySeverity } from "../../check/self-tests/check.ts"
import { policies } from "../../config/policy.ts"
import { sayAge } from "../age.ts"
import { type Block, command, instant, many, tableOr } from "./blocks.ts"

/** Parts that reports of all kinds have. */

/** Stands first: a reader must know that the rest is not verified. */
export function unverifiedOf(unverified: string | undefined): readonly Block[] {
  if (unverified === undefined) return []
  return [
    {
      kind: "verdict",
      good: false,
      text:
        `Nothing of this was verified: ${unverified}. Anyone who can write in the store could ` +
        "have made all of it up. Make this report as the user that has the identity: " +
        "then each state is verified by its MAC.",
    },
  ]
}

const namesMost = 8

export function readersOf(rows: readonly Reader[]): Block {
  const shown = (names: readonly string[] | undefined): string => {
    if (names === undefined) return "not said: perhaps any"
    return names.length > namesMost
      ? `${names.slice(0, namesMost).join(", ")} and ${names.length - namesMost} more`
      : names.join(", ")
  }
  return tableOr(
    ["environment", "user", "how", "times", "first", "last", "secrets"],
    rows.map((one) => [
      one.environment,
      one.user,
      one.how,
      String(one.times),
      instant(one.first),
      instant(one.last),
      shown(one.secrets),
    ]),
    "The logs name no one.",
  )
}

const quickOnly =
  "This was the quick check, which asks no service and compares no file; " +
  "mycelium check --connect checks everything."

export function checksOf(results: readonly Result[]): readonly Block[] {
  const findings = bySeverity(results.flatMap((one) => one.findings))
  const names = results.map(({ name }) => name).join(", ")
  if (findings.length === 0)
    return [
      {
        kind: "text",
        text: `The quick check found no problem. Checked: ${names}. ${quickOnly}`,
      },
    ]
  return [
    {
      kind: "table",
      head: ["severity", "code", "what", "remedy"],
      rows: findings.map(({ severity, code, message, remedy = "" }) => [
        severity,
        code,
        message,
        remedy,
      ]),
    },
    {
      kind: "text",
      text: `Checked: ${names}. ${quickOnly}`,
    },
  ]
}

export function policiesOf(states: readonly PolicyState[]): readonly Block[] {
  return states.flatMap(policyBlocks)
}

function policyBlocks(state: PolicyState): readonly Block[] {
  const { environment, policy, maxAgeMs, secrets } = state
  const breaches = secrets.filter(({ breach }) => breach).length
  const unproven = secrets.filter((row) => row.unproven).length
  const allowed = formatDuration(maxAgeMs)
  return [
    { kind: "heading", text: `${policies[policy].name} in ${environment}` },
    {
      kind: "verdict",
      good: breaches + unproven === 0,
      text: verdictOf(breaches, unproven, allowed),
    },
    {
      kind: "table",
      head: ["secret", "age", "allowed", "judged"],
      rows: secrets.map((row) => [
        row.secret,
        (row.ageMs ?? row.ageAtLeastMs) === undefined ? "no value" : sayAge(row),
        row.exempt ? "an exception" : allowed,
        judgementOf(row),
      ]),
    },
    ...pastBlocks(state),
    {
      kind: "text",
      text:
        `The rule here: a new value at least every ${allowed}, and an audit history of a year. ` +
        `In PCI DSS v4.0.1 the ${allowed} are for users who log in with a password alone ` +
        "(8.3.9); passwords of applications and systems change as often as your own targeted " +
        "risk analysis says (12.3.1), and whenever one may be known to others (8.6.3); " +
        "audit logs are kept for at least 12 months, the latest three at hand at once (10.5.1). " +
        `${logText(state)}`,
    },
  ]
}

function pastBlocks({ past, pastUnproven }: PolicyState): readonly Block[] {
  const blocks: Block[] = []
  if (past.length > 0)
    blocks.push({
      kind: "text",
      text: `Older than allowed when they were replaced: ${past.map(sayReplaced).join(", ")}.`,
    })
  if (pastUnproven.length > 0)
    blocks.push({
      kind: "text",
      text:
        "Adopted without a date, so it is not known whether they were older than allowed when " +
        `they were replaced: ${pastUnproven.map(sayReplaced).join(", ")}.`,
    })
  return blocks
}

function logText({ logMs, keepLogMs }: PolicyState): string {
  if (logMs === undefined) return "There is no log yet."
  const back = `The log reaches ${formatDuration(logMs)} back`
  return logMs >= keepLogMs ? `${back}.` : `${back}: a year cannot be shown yet.`
}

function verdictOf(breaches: number, unproven: number, allowed: string): string {
  if (breaches + unproven === 0) return `No secret is older than ${allowed}.`
  const old =
    breaches === 0
      ? []
      : [`${many(breaches, "secret")} ${breaches === 1 ? "is" : "are"} older than ${allowed}.`]
  const unknown =
    unproven === 0
      ? []
      : [
          `${many(unproven, "secret")} ${unproven === 1 ? "was" : "were"} adopted without a ` +
            `date, and ${unproven === 1 ? "is" : "are"} not proven to be younger than ` +
            `${allowed}.`,
        ]
  return [...old, ...unknown].join(" ")
}

function judgementOf({ exempt, breach, unproven }: PolicyState["secrets"][number]): string {
  if (exempt) return "not judged: policy: none in the config"
  if (breach) return "too old"
  return unproven ? "not proven: adopted, its age is unknown" : "met"
}

function sayReplaced({ secret, at, ageMs, atLeast }: PolicyState["past"][number]): string {
  return `${secret} (${atLeast === true ? "≥ " : ""}${formatDuration(ageMs)}, ${instant(at)})`
}

export function headsOf(
  heads: readonly { readonly environment: string; readonly lines: number; readonly head: string }[],
  config: readonly string[],
): readonly Block[] {
  const written = heads.filter(({ lines }) => lines > 0)
  if (written.length === 0) return []
  return [
    { kind: "heading", text: "The logs that this rests on" },
    {
      kind: "text",
      text:
        "Each log is a chain of hashes: with its head, anyone can show that no line before it " +
        "was changed. Keep these lines in a file heads.txt, where the machine that runs " +
        "mycelium cannot change them. If in doubt, compare the logs with them:",
    },
    {
      kind: "command",
      lines: written.map(({ environment, lines, head }) => `${environment} ${lines} ${head}`),
    },
    { kind: "command", lines: [command(["audit", "verify", "--heads", "heads.txt", ...config])] },
  ]
}
