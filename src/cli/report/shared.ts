import type { PolicyState } from "../../app/report-policy.ts"
import type { Reader } from "../../app/report-readers.ts"
import { formatDuration } from "../../base/duration.ts"
import { type Result, bySeverity } from "../../check/check.ts"
import { policies } from "../../config/policy.ts"
import { type Block, command, instant, many, tableOr } from "./blocks.ts"

/** Parts that reports of all kinds have. */

const namesMost = 8

export function readersOf(rows: readonly Reader[]): Block {
  const shown = (names: readonly string[] | undefined): string => {
    if (names === undefined) return "not said: perhaps any"
    return names.length > namesMost ? `${names.slice(0, namesMost).join(", ")} and ${names.length - namesMost} more` : names.join(", ")
  }
  return tableOr(["environment", "user", "how", "times", "first", "last", "secrets"], rows.map((one) => [one.environment, one.user, one.how, String(one.times), instant(one.first), instant(one.last), shown(one.secrets)]), "The logs know of nobody.")
}

export function checksOf(results: readonly Result[]): readonly Block[] {
  const findings = bySeverity(results.flatMap((one) => one.findings))
  const names = results.map(({ name }) => name).join(", ")
  if (findings.length === 0) return [{ is: "text", text: `Nothing is wrong with what was looked at: ${names}. This was the quick look; mycelium check --connect looks at everything.` }]
  return [
    { is: "table", head: ["severity", "code", "what", "remedy"], rows: findings.map(({ severity, code, says, remedy = "" }) => [severity, code, says, remedy]) },
    { is: "text", text: `Looked at: ${names}. This was the quick look; mycelium check --connect looks at everything.` },
  ]
}

export function policiesOf(states: readonly PolicyState[]): readonly Block[] {
  return states.flatMap((one): readonly Block[] => {
    const { environment, policy, maxAgeMs, keepLogMs, secrets, past, logMs } = one
    const breaches = secrets.filter(({ breach }) => breach).length
    const log = logMs === undefined ? "There is no log yet." : logMs >= keepLogMs ? `The log reaches ${formatDuration(logMs)} back.` : `The log reaches ${formatDuration(logMs)} back: a year cannot be shown yet.`
    return [
      { is: "heading", text: `${policies[policy].name} in ${environment}` },
      { is: "verdict", good: breaches === 0, text: breaches === 0 ? `No secret is older than ${formatDuration(maxAgeMs)}.` : `${many(breaches, "secret")} ${breaches === 1 ? "is" : "are"} older than ${formatDuration(maxAgeMs)}.` },
      { is: "table", head: ["secret", "age", "allowed", "judged"], rows: secrets.map(({ secret, ageMs, exempt, breach }) => [secret, ageMs === undefined ? "no value" : formatDuration(ageMs), exempt ? "an exception" : formatDuration(maxAgeMs), exempt ? "not judged: policy: none in the config" : breach ? "too old" : "kept"]) },
      ...(past.length === 0 ? [] : [{ is: "text", text: `Older than allowed when they were replaced: ${past.map(({ secret, at, ageMs }) => `${secret} (${formatDuration(ageMs)}, ${instant(at)})`).join(", ")}.` } as const]),
      { is: "text", text: `Held here to: a new value at least every ${formatDuration(maxAgeMs)}, and an audit history of a year. In PCI DSS v4.0.1 the ${formatDuration(maxAgeMs)} are for users who log in with a password alone (8.3.9); passwords of applications and systems change as often as your own targeted risk analysis says (12.3.1), and whenever one may be known to others (8.6.3); audit logs are kept for at least 12 months, the latest three at hand at once (10.5.1). ${log}` },
    ]
  })
}

export function headsOf(heads: readonly { readonly environment: string; readonly lines: number; readonly head: string }[], config: readonly string[]): readonly Block[] {
  const written = heads.filter(({ lines }) => lines > 0)
  if (written.length === 0) return []
  return [
    { is: "heading", text: "The logs that this rests on" },
    { is: "text", text: "Each log is a chain of hashes: who knows its head can show that no line before it was changed. Keep these lines where the machine of mycelium cannot change them, as a file heads.txt, and hold the logs against them whenever in doubt:" },
    { is: "command", lines: written.map(({ environment, lines, head }) => `${environment} ${lines} ${head}`) },
    { is: "command", lines: [command(["audit", "verify", "--heads", "heads.txt", ...config])] },
  ]
}
