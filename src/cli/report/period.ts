import type { EnvironmentReport, PeriodReport } from "../../incident/report/period.ts"
import { failures } from "../../incident/report/entry.ts"
import { formatDuration } from "../../base/text/duration.ts"
import { sayAge } from "../age.ts"
import { type Block, instant, many, tableOr } from "./blocks.ts"
import { checksOf, headsOf, policiesOf, readersOf, unverifiedOf } from "./shared.ts"

/** The review of a while: what was done, what failed, how old everything is. */
export function periodBlocks(report: PeriodReport, config: readonly string[]): readonly Block[] {
  const { environments, policies } = report
  const overdue = environments.flatMap(({ environment, secrets }) =>
    secrets
      .filter(({ overdueMs }) => overdueMs !== undefined)
      .map(({ name }) => `${environment}/${name}`),
  )
  const attention = environments.flatMap(({ environment, secrets }) =>
    secrets.filter((one) => one.attention).map(({ name }) => `${environment}/${name}`),
  )
  const without = environments.flatMap(({ environment, secrets }) =>
    secrets.filter(({ stage }) => stage === "new").map(({ name }) => `${environment}/${name}`),
  )
  const unread = environments
    .filter(({ unreadable }) => unreadable !== undefined)
    .map(({ environment }) => environment)
  const breaches = policies.flatMap(({ environment, secrets }) =>
    secrets.filter(({ breach }) => breach).map(({ secret }) => `${environment}/${secret}`),
  )
  const unproven = policies.flatMap(({ environment, secrets }) =>
    secrets.filter((one) => one.unproven).map(({ secret }) => `${environment}/${secret}`),
  )
  const wrong = report.checks.flatMap(({ findings }) =>
    findings.filter(({ severity }) => severity === "error"),
  )
  const problems = [
    ...(overdue.length === 0 ? [] : [`older than their rotate_every: ${overdue.join(", ")}`]),
    ...(breaches.length === 0 ? [] : [`older than a policy allows: ${breaches.join(", ")}`]),
    ...(unproven.length === 0
      ? []
      : [
          `adopted without a date, so not proven to be as young as a policy demands: ${unproven.join(", ")}`,
        ]),
    ...(attention.length === 0 ? [] : [`need a look: ${attention.join(", ")} (mycelium status)`]),
    ...(without.length === 0
      ? []
      : [`without a value: ${without.join(", ")} (mycelium adopt, or rotate-now --new)`]),
    ...environments.flatMap(({ environment, forged }) =>
      forged === undefined
        ? []
        : [`not as mycelium wrote it: ${environment}: ${forged.message} (${forged.code})`],
    ),
    ...(unread.length === 0 ? [] : [`state not readable: ${unread.join(", ")}`]),
    ...(wrong.length === 0 ? [] : [`${many(wrong.length, "check")} failed on this machine`]),
  ]
  const rotations = environments.reduce((sum, one) => sum + one.rotations, 0)
  return [
    {
      kind: "title",
      text: `Review of ${report.project}, ${report.since.slice(0, 10)} to ${report.at.slice(0, 10)}`,
    },
    {
      kind: "text",
      text: `From ${instant(report.since)} to ${instant(report.at)}, UTC. Made by mycelium from its audit logs and states; it holds no secret value.`,
    },
    ...unverifiedOf(report.unverified),
    {
      kind: "verdict",
      good: problems.length === 0,
      text:
        problems.length === 0
          ? `In order. ${many(rotations, "rotation")} in ${many(environments.length, "environment")}, and nothing is overdue.`
          : `Needs a person: ${many(problems.length, "thing")}.`,
    },
    ...(problems.length === 0 ? [] : [{ kind: "list", items: problems } as const]),
    {
      kind: "table",
      head: [
        "environment",
        "secrets",
        "rotations",
        "failures",
        "incidents",
        "the log reaches back",
      ],
      rows: environments.map(overviewRow),
    },
    ...environments.flatMap(environmentBlocks),
    { kind: "heading", text: "Who was given values" },
    {
      kind: "text",
      text: "By mycelium, and by what its log says; reading a file that shows a value leaves no line.",
    },
    readersOf(environments.flatMap(({ readers }) => readers)),
    ...policiesOf(policies),
    { kind: "heading", text: "This machine now" },
    ...checksOf(report.checks),
    { kind: "heading", text: "Reviewed by" },
    {
      kind: "blank",
      message: "Who read this, when, and what follows from it? (to be written by a person)",
    },
    ...headsOf(report.heads, config),
  ]
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
  const begins =
    logBegins === undefined
      ? "there is none"
      : complete
        ? "all of the time"
        : `to ${instant(logBegins)} only`
  return [
    environment,
    String(secrets.length),
    String(rotations),
    String(failed.reduce((sum, { times }) => sum + times, 0)),
    incidents.length === 0 ? "none" : incidents.join(", "),
    begins,
  ]
}

function environmentBlocks({
  environment,
  unreadable,
  secrets,
  failures: failed,
  unhealthy,
  deleted,
}: EnvironmentReport): readonly Block[] {
  const blocks: Block[] = [{ kind: "heading", text: environment }]
  if (unreadable !== undefined)
    blocks.push({
      kind: "text",
      text: `Its state cannot be read: ${unreadable.message} (${unreadable.code})`,
    })
  blocks.push({
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
  })
  const rows = [
    ...failed.map(({ event, code, times, last, secrets: names }) => [
      `${failures[event] ?? event}`,
      code,
      String(times),
      instant(last),
      names.join(", "),
    ]),
    ...unhealthy.map(({ deployment, times, last }) => [
      "a program did not get healthy",
      "deployment-unhealthy",
      String(times),
      instant(last),
      deployment,
    ]),
  ]
  blocks.push(tableOr(["what failed", "code", "times", "last", "of"], rows, "Nothing failed."))
  if (deleted.length > 0)
    blocks.push({ kind: "text", text: `Erased for good: ${deleted.join(", ")}.` })
  return blocks
}
