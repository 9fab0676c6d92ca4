import type { Output } from "../core/ports.ts"
import { type SecretState, type StateDocument, type Version, versionAt } from "../core/state.ts"
import { type Report, defineCheck } from "./check.ts"

/** Do the outputs show what the state says? Read backwards and compared by fingerprint, so that no value is opened. */

export type Shown = {
  readonly environment: string
  readonly output: Pick<Output, "target" | "shows" | "read" | "adopt">
  /** Can this secret's value be read backwards from the templates? */
  readonly tells: (secret: string) => boolean
  readonly document: StateDocument
}
export type Outputs = { readonly shown: readonly Shown[]; readonly fingerprint: (text: string) => string }

type Code = "output-missing" | "output-drift" | "output-stale" | "output-incomplete" | "output-unread"

export const outputs = defineCheck<Code, Outputs>({
  name: "outputs",
  faults: {
    "output-missing": { severity: "error", remedy: "mycelium render writes it again" },
    "output-drift": { severity: "error", remedy: "if the file is right: mycelium adopt; if the state is: empty that variable, then mycelium render" },
    "output-stale": { severity: "error", remedy: "mycelium render, then restart what reads it" },
    "output-incomplete": { severity: "error", remedy: "mycelium render writes what is missing" },
    "output-unread": { severity: "info", remedy: "" },
  },
  look: async ({ shown, fingerprint }, report) => {
    await Promise.all(shown.map((one) => judge(one, fingerprint, report).catch((error: unknown) => report.failed(error, one.environment))))
    return shown.length === 0 ? "no output shows a value yet" : `${shown.length} file${shown.length === 1 ? " shows" : "s show"} no value but current ones`
  },
})

async function judge({ environment, output, tells, document }: Shown, fingerprint: (text: string) => string, report: Report<Code>): Promise<void> {
  const names = output.shows.filter((name) => currentOf(document, name) !== undefined)
  if (names.length === 0) return
  if ((await output.read()) === undefined) return report.found("output-missing", `${output.target}, an output of ${environment}, does not exist`)
  const found = await output.adopt(names)
  for (const name of names) {
    const fields = Object.entries(found[name] ?? {})
    const place = `${environment}/${name}`
    if (fields.length > 0) tell(output.target, place, answerOf(document, name, fields, fingerprint), report)
    else if (tells(name)) report.found("output-incomplete", `${output.target} does not show ${place}: its line is missing or empty`)
    else report.found("output-unread", `${output.target}: which value of ${place} it shows cannot be told from its template`, { remedy: "nothing to do; mycelium render makes sure" })
  }
}

type Answer = { readonly is: "right" } | { readonly is: "older"; readonly shows: string; readonly current: string } | { readonly is: "unknown" }

/** While a rotation is open its pending value is right too. */
function answerOf(document: StateDocument, name: string, fields: readonly (readonly [string, string])[], fingerprint: (text: string) => string): Answer {
  const state: SecretState = document.secrets[name] ?? { driver: "", versions: [] }
  const current = versionAt(state, "current")
  const matches = ({ fingerprints, clear }: Version): boolean => fields.every(([field, shows]) => (Object.hasOwn(clear, field) ? clear[field] === shows : fingerprints[field] === fingerprint(shows)))
  const found = [...state.versions].reverse().filter(matches)
  if (found.some(({ stage }) => stage.is === "current" || (stage.is === "pending" && document.changeSet !== undefined))) return { is: "right" }
  const [older] = found
  return older === undefined ? { is: "unknown" } : { is: "older", shows: older.id, current: current?.id ?? "" }
}

function tell(target: string, place: string, answer: Answer, report: Report<Code>): void {
  if (answer.is === "older") report.found("output-stale", `${target} shows ${answer.shows} of ${place}, which is no longer current: that is ${answer.current}`)
  if (answer.is === "unknown") report.found("output-drift", `${target} shows a value of ${place} that is in no version: somebody changed it by hand`)
}

function currentOf(document: StateDocument, name: string): Version | undefined {
  const state = document.secrets[name]
  return state === undefined ? undefined : versionAt(state, "current")
}
