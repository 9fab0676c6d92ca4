import type { IncidentReport, NotContained, SecretReport } from "../../incident/report/model.ts"
import { type Block, command, instant, many } from "./blocks.ts"
import { explanationOf } from "../explain/texts.ts"
import { owedBlocks } from "./incident-owed.ts"

/** The short answer: is it contained, and what is there to do now? */

export function verdictBlocks(report: IncidentReport, config: readonly string[]): readonly Block[] {
  return [
    ...(report.contained ? containedBlocks(report) : leftBlocks(report, config)),
    ...owedBlocks(report, config),
  ]
}

/** Sessions that were opened before may live. */
export function isForNewLogins({ secrets }: IncidentReport): boolean {
  return secrets.some(({ sessionsLeft }) => sessionsLeft !== undefined)
}

function containedBlocks(report: IncidentReport): readonly Block[] {
  const only = isForNewLogins(report) ? ", for new logins only" : ""
  return [
    { kind: "verdict", good: true, text: `Contained: yes${only}. ${provenOf(report.secrets)}` },
    {
      kind: "text",
      text:
        "To do now: find out how the values got out, close that way, " +
        "and fill in the three headings near the end. If it is not closed, " +
        "the new values get out the same way.",
    },
  ]
}

function leftBlocks(report: IncidentReport, config: readonly string[]): readonly Block[] {
  const { secrets, left, incident } = report
  const done = secrets.filter(({ contained }) => contained).length
  const are = done === 1 || secrets.length === 1 ? "is" : "are"
  return [
    {
      kind: "verdict",
      good: false,
      text:
        `Contained: NOT yet. ${done} of ${many(secrets.length, "secret")} ${are} contained. ` +
        "The table lists what is left; treat it as compromised until it is contained.",
    },
    { kind: "table", head: ["left", "why", "code"], rows: left.map(leftRow) },
    ...carryOnBlocks(report, config),
    { kind: "text", text: "Then make this report again:" },
    { kind: "command", lines: [command(["report", incident, ...config])] },
  ]
}

function leftRow({ environment, secret, some, message, code }: NotContained): readonly string[] {
  const part = some === true ? "the secrets that were chosen" : "all of it"
  const place = secret === undefined ? `${environment} (${part})` : `${environment}/${secret}`
  return [place, whyOf(message, code), code]
}

function carryOnBlocks(
  { carryOn, left, incident }: IncidentReport,
  config: readonly string[],
): readonly Block[] {
  const blocks: Block[] = []
  if (carryOn !== undefined)
    blocks.push(
      {
        kind: "text",
        text:
          "To do now: remove the cause that each code names (mycelium explain CODE). " +
          "Then run this on the machine where mycelium runs. " +
          "It carries on where the containment stopped, and does nothing twice:",
      },
      { kind: "command", lines: [command([...carryOn, ...config])] },
    )
  if (left.some(({ some }) => some !== undefined))
    blocks.push({
      kind: "text",
      text:
        "In some environments, more secrets were chosen than the log can name. " +
        `Run the original command again, with the same selection and --incident ${incident}.`,
    })
  return blocks
}

/**
 * Of each kind of secret only what was proven of it: a service refuses what it was asked for, and
 * nothing else.
 */
function provenOf(secrets: readonly SecretReport[]): string {
  const made = secrets.filter(({ to }) => to !== undefined)
  const erased = secrets.length - made.length
  const dead = made.filter(isProvenDead)
  const unasked = made.filter(isUnasked).length
  const rest = made.length - dead.length - unasked
  const untold = made.filter(isUntold).length
  const isOne = made.length === 1
  const all = isOne ? "it" : "them"
  const some = (count: number): string => (count === made.length ? all : String(count))
  const has = isOne
    ? "The secret that was chosen has a new value."
    : `All ${many(made.length, "secret")} that were chosen have new values.`
  const refused =
    `${isOne ? "Its service refused" : "Services refused"} the old ` +
    `${dead.length === 1 ? "value" : "values"} of ${some(dead.length)}; ` +
    `the last proof is of ${instant(lastProof(dead))}, and this report asks no service.`
  return [
    ...(made.length === 0 ? [] : [has]),
    ...(dead.length === 0 ? [] : [refused]),
    ...(unasked === 0
      ? []
      : [
          `No service is asked for ${some(unasked)}: an old value is worth nothing once each ` +
            "program that takes it has restarted.",
        ]),
    ...(rest - untold === 0
      ? []
      : [`For ${some(rest - untold)} no older value was known, so none was tried.`]),
    ...(untold === 0
      ? []
      : [`For ${some(untold)} no proof that the old value is dead is in the log.`]),
    ...wordsOf(secrets),
    ...(erased === 0 ? [] : [`${many(erased, "secret")} ${erased === 1 ? "was" : "were"} erased.`]),
  ].join(" ")
}

/** A login with the value that leaked was refused: that of another value says nothing of it. */
function isProvenDead({ from, dead }: SecretReport): boolean {
  return dead.length > 0 && (from === undefined || dead.some(({ version }) => version === from))
}

/** No service refuses a value of it. */
function isUnasked(one: SecretReport): boolean {
  return one.driver === "generated" && !isProvenDead(one)
}

/** There was an older value, and no line of the log says what became of it. */
function isUntold(one: SecretReport): boolean {
  return (
    one.driver !== "generated" &&
    !isProvenDead(one) &&
    one.from !== undefined &&
    one.expelledAt === undefined
  )
}

function lastProof(secrets: readonly SecretReport[]): string {
  const proofs = secrets.flatMap(({ dead }) => dead.map(({ at }) => at))
  return proofs.toSorted().at(-1) ?? ""
}

/** What nothing here has proven. */
function wordsOf(secrets: readonly SecretReport[]): readonly string[] {
  const said = secrets.filter(({ erased }) => erased?.login === "ended")
  if (said.length === 0) return []
  const names = said.map(({ environment, secret }) => `${environment}/${secret}`).join(", ")
  return [`Of ${names}, a person has said that its login is ended: that is not proven here.`]
}

/** What the log says, and the first sentence of what explain says of the code. */
function whyOf(message: string, code: string): string {
  const first = /^.*?[.?](?= |$)/.exec(explanationOf(code) ?? "")?.[0]
  return first === undefined || code === "not-contained"
    ? message
    : `${message}: ${first.replace(/\.$/, "")}`
}
