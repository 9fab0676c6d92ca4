import { type Version, versionAt } from "../../core/version.ts"
import { existsSync } from "node:fs"
import { dirname } from "node:path"
import { AppError } from "../../base/error.ts"
import { filesAtOnce, mapConcurrently } from "../../base/semaphore.ts"
import { isEntry } from "../../core/entry.ts"
import type { Output } from "../../core/ports.ts"
import { type Versions, leftIn, sayLeft, versionsIn } from "../../core/left.ts"
import { type StateDocument, fingerprintsOf, openContainment } from "../../core/state.ts"
import { type Report, defineCheck } from "./check.ts"
import { type Answer, type Fingerprint, answerOf } from "./shown-answer.ts"

/**
 * Do the outputs show what the state says? Read backwards and compared by fingerprint, so that no
 * value is opened.
 */

export type Shown = {
  readonly environment: string
  readonly output: Pick<
    Output,
    "target" | "place" | "shows" | "whole" | "read" | "adopt" | "others"
  >
  /** Can this secret's value be read backwards from the templates? */
  readonly tells: (secret: string) => boolean
  readonly document: StateDocument
  /** The state as it is now: a rotation may have changed both since it was read. */
  readonly reread: () => Promise<StateDocument | undefined>
  /** The log is newer than the state. */
  readonly isBehind: () => Promise<boolean>
}
/**
 * `gone`: files that we wrote as a whole, that are no output of the config any more, and are there.
 */
export type Outputs = {
  readonly shown: readonly Shown[]
  readonly gone: readonly { readonly environment: string; readonly target: string }[]
  readonly fingerprint: Fingerprint
}
type Code =
  | "output-missing"
  | "output-drift"
  | "output-stale"
  | "output-incomplete"
  | "output-edited"
  | "output-unclear"
  | "variable-left"
  | "output-left"

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
      remedy: "remove the file, if nobody reads it; or put the output into the config again",
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

type Found = { readonly code: Code; readonly message: string; readonly remedy?: string }

function tell(found: readonly Found[], report: Report<Code>): void {
  for (const { code, message, remedy } of found)
    report.found(code, message, remedy === undefined ? {} : { remedy })
}

async function faultsOf(shown: Shown, fingerprint: Fingerprint): Promise<readonly Found[]> {
  const { environment, output, document } = shown
  const names = output.shows.filter((name) => currentOf(document, name) !== undefined)
  if (names.length === 0) return []
  const bytes = await output.read()
  if (bytes === undefined)
    return [
      {
        code: "output-missing",
        message: `${output.target}, an output of ${environment}, does not exist`,
        ...wayBack(output),
      },
    ]
  const found = await output.adopt(names)
  const isBehind = await shown.isBehind()
  const print =
    output.whole === true ? writtenBy(document, output.target, fingerprint(bytes)) : "unknown"
  const faults = [
    ...names.flatMap((name) => {
      const fields = Object.entries(found[name] ?? {})
      return fields.length === 0
        ? untold(shown, name, print)
        : faultOf(
            { target: output.target, place: `${environment}/${name}` },
            answerOf(document, name, fields, fingerprint),
            { isOld: isBehind || isUncontained(document, name) },
          )
    }),
    ...(await leftOver(shown, fingerprint)),
  ]
  return print === "edited" && !faults.some(explainsEdit) ? [...faults, edited(output)] : faults
}

function explainsEdit({ code }: Found): boolean {
  return code !== "output-unclear" && code !== "variable-left"
}

function edited({ target }: Shown["output"]): Found {
  return {
    code: "output-edited",
    message: `${target} is not as mycelium wrote it: it was edited or replaced`,
  }
}

/** The value of `name` cannot be read from the output. */
function untold(
  { environment, output, tells }: Shown,
  name: string,
  print: WrittenBy,
): readonly Found[] {
  const place = `${environment}/${name}`
  if (print === "ours") return []
  if (tells(name))
    return [
      {
        code: "output-incomplete",
        message:
          `${output.target} does not show ${place}, or not clearly: ` +
          "its line is missing or empty, or can be read in two ways",
      },
    ]
  if (print === "edited") return []
  return [
    {
      code: "output-unclear",
      message: `${output.target}: which value of ${place} it shows cannot be told from its template`,
    },
  ]
}

/** Lines of others that show a value of ours. */
async function leftOver(
  { environment, output, document }: Shown,
  fingerprint: Fingerprint,
): Promise<readonly Found[]> {
  const known = output.others === undefined ? noVersions : versionsOf(document)
  const left = leftIn(known, (await output.others?.()) ?? {}, fingerprint)
  return left.map((one) => ({
    code: "variable-left",
    message: sayLeft(output.target, environment, one),
    ...(one.whole ? {} : { remedy: byHand }),
  }))
}

const noVersions: Versions = new Map()
/** One document for all outputs of an environment. */
const versions = new WeakMap<StateDocument, Versions>()

function versionsOf(document: StateDocument): Versions {
  const known = versions.get(document) ?? versionsIn(document)
  versions.set(document, known)
  return known
}

const byHand =
  "put the variable into the config, or take it out of the file by hand: it holds more than the value"

/** Render makes no folder, and knows no line of others. */
function wayBack(output: Shown["output"]): { readonly remedy?: string } {
  const { target, whole } = output
  if (isEntry(output))
    return {
      remedy: "make it where your infrastructure is described; mycelium render then writes it",
    }
  const folder = existsSync(dirname(target))
    ? ""
    : `make the folder ${dirname(target)} first, with the owner and mode that it should have`
  if (whole === false)
    return {
      remedy:
        `${folder === "" ? "" : `${folder}; then `}put the file back from your backup: ` +
        "its other lines are not mycelium's, and in no state; mycelium render then writes its " +
        "own lines alone",
    }
  return folder === "" ? {} : { remedy: `${folder}; mycelium render then writes the file again` }
}

type WrittenBy = "ours" | "edited" | "unknown"

/** Unknown if we have written nothing yet. */
function writtenBy(document: StateDocument, target: string, print: string): WrittenBy {
  if (fingerprintsOf(document, target).includes(print)) return "ours"
  return document.written?.[target] === undefined ? "unknown" : "edited"
}

/** `isOld`: the value in the state may be the one that leaked, and the file's a newer one. */
function faultOf(
  { target, place }: { readonly target: string; readonly place: string },
  answer: Answer,
  { isOld }: { readonly isOld: boolean },
): readonly Found[] {
  if (answer.kind === "older")
    return [
      {
        code: "output-stale",
        message:
          `${target} shows ${answer.shows} of ${place}, which is no longer current: ` +
          `that is ${answer.current}`,
      },
    ]
  if (answer.kind === "unknown")
    return [
      {
        code: "output-drift",
        message:
          `${target} shows a value of ${place} that is in no version: ` +
          "a person has changed it, or another Mycelium",
        ...(isOld ? { remedy: keepsFile } : {}),
      },
    ]
  return []
}

const keepsFile =
  "do not write the state's value over it: that may be older, and in the wrong hands; " +
  "if the file is right: mycelium adopt; then do what check says of the state and of the " +
  "containment"

function isUncontained({ secrets }: StateDocument, name: string): boolean {
  const state = secrets[name]
  return state !== undefined && openContainment(state) !== undefined
}

function currentOf(document: StateDocument, name: string): Version | undefined {
  const state = document.secrets[name]
  return state === undefined ? undefined : versionAt(state, "current")
}
