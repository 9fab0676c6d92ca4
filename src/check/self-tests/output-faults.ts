import { type Version, versionAt } from "../../core/version.ts"
import { existsSync } from "node:fs"
import { dirname } from "node:path"
import { isEntry } from "../../core/entry.ts"
import type { Output } from "../../core/ports.ts"
import { type Versions, leftIn, sayLeft, versionsIn } from "../../core/left.ts"
import { type StateDocument, fingerprintsOf } from "../../core/state.ts"
import { openContainment } from "../../core/open-containment.ts"
import { type Answer, type Fingerprint, answerOf } from "./shown-answer.ts"

/** What is wrong with one output, by what it shows and by what the state says. */

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
export type Code =
  | "output-missing"
  | "output-drift"
  | "output-stale"
  | "output-incomplete"
  | "output-edited"
  | "output-unclear"
  | "variable-left"
  | "output-left"

export type Found = { readonly code: Code; readonly message: string; readonly remedy?: string }

/** None: it shows what the state says. */
export async function faultsOf(shown: Shown, fingerprint: Fingerprint): Promise<readonly Found[]> {
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

/** Lines of others that show one of our values. */
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
