import type { IncidentReport } from "../../incident/report/model.ts"
import { type Block, instant } from "./blocks.ts"
import { secretBlocks } from "./incident-secret.ts"
import { storyBlocks } from "./incident-story.ts"
import { isForNewLogins, verdictBlocks } from "./incident-verdict.ts"
import { checksOf, headsOf, policiesOf, readersOf, unverifiedOf } from "./shared.ts"

/**
 * For a reader who was not there: what happened, is it over, what is there to do now. `config`:
 * what a command needs to find it, as words.
 */
export function incidentBlocks(
  report: IncidentReport,
  config: readonly string[],
): readonly Block[] {
  return [
    { kind: "title", text: `Incident ${report.incident}: ${titleOf(report)}` },
    {
      kind: "text",
      text:
        `Project ${report.project}. As of ${instant(report.at)}; all times are UTC. ` +
        "Made by mycelium from its audit logs and states; it holds no secret value.",
    },
    ...unverifiedOf(report.unverified),
    ...aheadBlocks(report),
    ...verdictBlocks(report, config),
    ...storyBlocks(report),
    ...secretBlocks(report.secrets),
    { kind: "heading", text: "Who was given these values before" },
    {
      kind: "text",
      text:
        `Those to whom mycelium gave these values since ${instant(report.readers.since)}, ` +
        "by its logs. Reading a file that shows a value leaves no line there: " +
        "add to this list all who can read those files or their backups, " +
        "and all who are root on this machine.",
    },
    readersOf(report.readers.rows),
    { kind: "heading", text: "This machine now" },
    ...checksOf(report.checks),
    ...policiesOf(report.policies),
    ...blanks,
    ...headsOf(report.heads, config),
  ]
}

/** Stands before the first of those times. */
function aheadBlocks({ ahead, at }: IncidentReport): readonly Block[] {
  if (ahead === undefined) return []
  return [
    {
      kind: "verdict",
      good: false,
      text:
        `Times here are wrong: the log of this incident names ${instant(ahead)}, which is after ` +
        `${instant(at)}, when this report was made. The clock was ahead when it was written, or is ` +
        "behind now. What is said to have happened did happen, in the order of the log; when, and " +
        "how long it took, is not known.",
    },
  ]
}

function titleOf(report: IncidentReport): string {
  if (!report.contained) return "NOT contained yet"
  const verdict = isForNewLogins(report) ? "contained for new logins" : "contained"
  return report.unverified === undefined ? verdict : `${verdict}, as an unverified store says`
}

/** For a person to fill in. */
const blanks: readonly Block[] = [
  { kind: "heading", text: "Root cause" },
  {
    kind: "blank",
    message:
      "How did these values get out? Since when? Is that way closed? (to be written by a person)",
  },
  { kind: "heading", text: "Lessons" },
  {
    kind: "blank",
    message: "What helped, what was in the way, what was luck? (to be written by a person)",
  },
  { kind: "heading", text: "Procedures changed" },
  {
    kind: "blank",
    message:
      "What is done differently from now on, by whom, from when? (to be written by a person)",
  },
]
