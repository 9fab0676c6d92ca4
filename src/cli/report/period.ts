import type { EnvironmentReport, PeriodReport } from "../../incident/report/period.ts"
import { failures } from "../../incident/report/entry.ts"
import { formatDuration } from "../../base/text/duration.ts"
import { sayAge } from "../age.ts"
import { type Block, instant, many, tableOr } from "./blocks.ts"
import { checksOf, headsOf, policiesOf, readersOf, unverifiedOf } from "./shared.ts"

/** The review of a period: what was done, what failed, how old everything is. */
export function periodBlocks(report: PeriodReport, config: readonly string[]): readonly Block[] {
  const { environments, policies, checks, heads } = report
  return [
    {
      kind: "title",
      text: `Review of ${report.project}, ${report.since.slice(0, 10)} to ${report.at.slice(0, 10)}`,
    },
    {
      kind: "text",
      text:
        `From ${instant(report.since)} to ${instant(report.at)}, UTC. Made by mycelium from its ` +
        "audit logs and states; it holds no secret value.",
    },
    ...unverifiedOf(report.unverified),
    ...verdictBlocks(report),
    overview(environments),
    ...environments.flatMap(environmentBlocks),
    { kind: "heading", text: "Who was given values" },
    {
      kind: "text",
      text:
        "Those to whom mycelium gave values, by its logs. Reading a file that shows a value " +
        "leaves no line there.",
    },
    readersOf(environments.flatMap(({ readers }) => readers)),
    ...policiesOf(policies),
    { kind: "heading", text: "This machine now" },
    ...checksOf(checks),
    { kind: "heading", text: "Reviewed by" },
    {
      kind: "blank",
      message: "Who read this, when, and what follows from it? (to be written by a person)",
    },
    ...headsOf(heads, config),
  ]
}

function verdictBlocks(report: PeriodReport): readonly Block[] {
  const { environments } = report
  const problems = problemsOf(report)
  const rotations = environments.reduce((sum, one) => sum + one.rotations, 0)
  if (problems.length === 0)
    return [
      {
        kind: "verdict",
        good: true,
        text:
          `In order. ${many(rotations, "rotation")} in ` +
          `${many(environments.length, "environment")}, and nothing is overdue.`,
      },
    ]
  return [
    { kind: "verdict", good: false, text: `Needs a person: ${many(problems.length, "thing")}.` },
    { kind: "list", items: problems },
  ]
}

/** What is not in order, a sentence for each kind. */
function problemsOf({ environments, policies, checks }: PeriodReport): readonly string[] {
  const secrets = environments.flatMap((one) =>
    one.secrets.map((secret) => ({ ...secret, place: `${one.environment}/${secret.name}` })),
  )
  const judged = policies.flatMap((one) =>
    one.secrets.map((secret) => ({ ...secret, place: `${one.environment}/${secret.secret}` })),
  )
  return [
    ...about(
      "older than their rotate_every",
      secrets.filter(({ overdueMs }) => overdueMs !== undefined),
    ),
    ...about(
      "older than a policy allows",
      judged.filter(({ breach }) => breach),
    ),
    ...about(
      "adopted without a date, so not proven to be as young as a policy demands",
      judged.filter(({ unproven }) => unproven),
    ),
    ...about(
      "need attention (mycelium status says why)",
      secrets.filter(({ attention }) => attention),
    ),
    ...about(
      "without a value (mycelium adopt, or rotate-now --new, gives one)",
      secrets.filter(({ stage }) => stage === "new"),
    ),
    ...environments.flatMap(sayForged),
    ...about(
      "state not readable",
      environments
        .filter(({ unreadable }) => unreadable !== undefined)
        .map(({ environment }) => ({ place: environment })),
    ),
    ...failedChecks(checks),
  ]
}

function sayForged({ environment, forged }: EnvironmentReport): readonly string[] {
  if (forged === undefined) return []
  return [`not as mycelium wrote it: ${environment}: ${forged.message} (${forged.code})`]
}

function failedChecks(checks: PeriodReport["checks"]): readonly string[] {
  const failed = checks.flatMap(({ findings }) =>
    findings.filter(({ severity }) => severity === "error"),
  )
  return failed.length === 0 ? [] : [`${many(failed.length, "check")} failed on this machine`]
}

function about(what: string, all: readonly { readonly place: string }[]): readonly string[] {
  return all.length === 0 ? [] : [`${what}: ${all.map(({ place }) => place).join(", ")}`]
}

function overview(environments: readonly EnvironmentReport[]): Block {
  const head = ["environment", "secrets", "rotations", "failures", "incidents"]
  return {
    kind: "table",
    head: [...head, "the log reaches back"],
    rows: environments.map(overviewRow),
  }
}

function overviewRow({
  environment,
  secrets,
  rotations,
  failures: failed,
  incidents,
  complete,
  logBegins,
}: EnvironmentReport): readonly string[] {
  const part = complete ? "all of the time" : `to ${instant(logBegins ?? "")} only`
  const begins = logBegins === undefined ? "there is none" : part
  return [
    environment,
    String(secrets.length),
    String(rotations),
    String(failed.reduce((sum, { times }) => sum + times, 0)),
    incidents.length === 0 ? "none" : incidents.join(", "),
    begins,
  ]
}

function environmentBlocks(report: EnvironmentReport): readonly Block[] {
  const { environment, unreadable, secrets, deleted } = report
  const blocks: Block[] = [{ kind: "heading", text: environment }]
  if (unreadable !== undefined)
    blocks.push({
      kind: "text",
      text: `Its state cannot be read: ${unreadable.message} (${unreadable.code})`,
    })
  blocks.push(
    {
      kind: "table",
      head: ["secret", "driver", "version", "age", "of", "overdue", "rotations", "state"],
      rows: secrets.map((one) => [
        one.name,
        one.driver,
        one.version ?? "–",
        sayAge(one),
        one.rotateEveryMs === null ? "never" : formatDuration(one.rotateEveryMs),
        one.overdueMs === undefined ? "–" : formatDuration(one.overdueMs),
        String(one.rotations),
        [one.stage, ...one.notes].join("; "),
      ]),
    },
    tableOr(["what failed", "code", "times", "last", "of"], failedRows(report), "Nothing failed."),
  )
  if (deleted.length > 0)
    blocks.push({ kind: "text", text: `Erased for good: ${deleted.join(", ")}.` })
  return blocks
}

function failedRows({
  failures: failed,
  unhealthy,
}: EnvironmentReport): readonly (readonly string[])[] {
  return [
    ...failed.map(({ event, code, times, last, secrets }) => [
      `${failures[event] ?? event}`,
      code,
      String(times),
      instant(last),
      secrets.join(", "),
    ]),
    ...unhealthy.map(({ deployment, code, times, last }) => [
      code === "restart-failed" ? "a restart failed" : "a program did not get healthy",
      code,
      String(times),
      instant(last),
      deployment,
    ]),
  ]
}
