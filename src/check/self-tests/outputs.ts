import { AppError } from "../../base/error.ts"
import { filesAtOnce, mapConcurrently } from "../../base/semaphore.ts"
import { isEntry } from "../../core/entry.ts"
import { type Report, defineCheck } from "./check.ts"
import { type Code, type Found, type Shown, faultsOf } from "./output-faults.ts"
import type { Fingerprint } from "./shown-answer.ts"

/**
 * Do the outputs show what the state says? Read backwards and compared by fingerprint, so that no
 * value is opened.
 */

/**
 * `gone`: files that we wrote as a whole, that are no output of the config any more, and are there.
 */
export type Outputs = {
  readonly shown: readonly Shown[]
  readonly gone: readonly { readonly environment: string; readonly target: string }[]
  readonly fingerprint: Fingerprint
}
export const outputs = defineCheck<Code, Outputs>({
  name: "outputs",
  faults: {
    "output-missing": { severity: "error", remedy: "mycelium render writes it again" },
    "output-drift": {
      severity: "error",
      remedy:
        "if the file is right: mycelium adopt; if the state is: empty that variable, then mycelium render",
    },
    "output-stale": { severity: "error", remedy: "mycelium render, then restart what reads it" },
    "output-incomplete": {
      severity: "error",
      remedy: "mycelium render writes what is missing, or says what is in the way",
    },
    "output-edited": {
      severity: "warning",
      remedy: "mycelium render writes it again, unless that would lose what only it holds",
    },
    "variable-left": {
      severity: "warning",
      remedy: "mycelium render --prune takes it away; or put the variable into the config again",
    },
    "output-left": {
      severity: "warning",
      remedy: "if no program reads it, remove the file; else put the output into the config again",
    },
    "output-unclear": { severity: "info", remedy: "nothing to do; mycelium render makes sure" },
  },
  inspect: async ({ shown, gone, fingerprint }, report) => {
    for (const { environment, target } of gone)
      report.found(
        "output-left",
        `${target} was an output of ${environment}, is not in the config any more, ` +
          "and is still there: what it shows dies with the next rotation",
      )
    await mapConcurrently(filesAtOnce, shown, (one) =>
      judge(one, fingerprint, report).catch((error: unknown) => tellUnread(error, one, report)),
    )
    const what = shown.some(({ output }) => isEntry(output)) ? "output" : "file"
    return shown.length === 0
      ? "no output shows a value yet"
      : `${shown.length} ${what}${shown.length === 1 ? " shows" : "s show"} no value but current ones`
  },
})

/** What stands in the way to a file is told with the places, and with the files. */
const toldElsewhere: readonly string[] = [
  "file-is-link",
  "file-hard-linked",
  "folder-of-others",
  "output-held-open",
  "output-planted",
  "proc-missing",
]

function tellUnread(error: unknown, { environment }: Shown, report: Report<Code>): void {
  if (!(error instanceof AppError) || !toldElsewhere.includes(error.code))
    report.failed(error, environment)
}

/**
 * What seems wrong is looked at once more, state first: while a rotation delivers, file and state
 * change one after the other.
 */
async function judge(shown: Shown, fingerprint: Fingerprint, report: Report<Code>): Promise<void> {
  const first = await faultsOf(shown, fingerprint)
  if (first.every(({ code }) => code === "output-unclear")) return tell(first, report)
  const document = await shown.reread()
  tell(document === undefined ? first : await faultsOf({ ...shown, document }, fingerprint), report)
}

function tell(found: readonly Found[], report: Report<Code>): void {
  for (const { code, message, remedy } of found)
    report.found(code, message, remedy === undefined ? {} : { remedy })
}
