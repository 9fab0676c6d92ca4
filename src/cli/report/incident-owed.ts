import type { IncidentReport, SecretReport } from "../../incident/report/model.ts"
import { renderLeaked } from "../../incident/shown-leaked.ts"
import { type Block, command, instant } from "./blocks.ts"

/** What a contained secret still owes: sessions, files, programs. */

/** What the commands of a report name. */
export type Naming = {
  readonly incident: string
  /** What a command needs to find the config, as words. */
  readonly config: readonly string[]
}

export function owedBlocks(report: IncidentReport, config: readonly string[]): readonly Block[] {
  const { secrets, incident, unhealthy } = report
  const naming = { incident, config }
  return [
    ...sessionsBlocks(secrets, naming),
    ...unwrittenBlocks(secrets, naming),
    ...shownBlocks(secrets),
    ...programBlocks(unhealthy),
  ]
}

/** A file that was put back: the program that reads it would not work. */
function shownBlocks(secrets: readonly SecretReport[]): readonly Block[] {
  const all = secrets.filter(({ shows }) => shows !== undefined)
  if (all.length === 0) return []
  const environments = [...new Set(all.map(({ environment }) => environment))]
  return [
    {
      kind: "text",
      text:
        "For these secrets, a file shows a value that leaked. Their services refused it when it " +
        "was last tried, so a program that reads the file at its next start does not work. " +
        `${environments.map(renderLeaked).join(". ")}.`,
    },
    {
      kind: "list",
      items: all.flatMap((one) => (one.shows ?? []).map((text) => `${placeOf(one)}: ${text}`)),
    },
  ]
}

/** The containment of these secrets once more, and what is owed of each. */
function againBlocks(places: readonly string[], { incident, config }: Naming): readonly Block[] {
  const words = ["rotate-now", ...places, "--contain", "--incident", incident, ...config]
  return [{ kind: "command", lines: [command(words)] }]
}

const placeOf = ({ environment, secret }: SecretReport): string => `${environment}/${secret}`

/** The new value holds, and an intruder may be in still. */
function sessionsBlocks(secrets: readonly SecretReport[], naming: Naming): readonly Block[] {
  const left = secrets.filter(({ sessionsLeft }) => sessionsLeft !== undefined)
  if (left.length === 0) return []
  return [
    {
      kind: "text",
      text:
        "For these secrets, sessions that were opened with the old value may still be open. " +
        "An intruder in such a session is still in.",
    },
    { kind: "list", items: left.map(sessionsText) },
    ...endingBlocks(
      // Of what was erased no command knows any more.
      left.filter(({ erased }) => erased === undefined),
      naming,
    ),
  ]
}

function endingBlocks(left: readonly SecretReport[], naming: Naming): readonly Block[] {
  if (left.length === 0) return []
  return [
    {
      kind: "text",
      text:
        "Nothing else is left to do for them. Once mycelium has the right or the means to end " +
        "these sessions, this command does it, and changes nothing else:",
    },
    ...againBlocks(left.map(placeOf), naming),
  ]
}

function sessionsText(one: SecretReport): string {
  const { message = "", code = "", hint } = one.sessionsLeft ?? {}
  return `${placeOf(one)}: ${message} (${code})${hint === undefined ? "" : `. To do: ${hint}`}`
}

/** The old value is dead at its service, and programs may hold it still. */
function unwrittenBlocks(secrets: readonly SecretReport[], naming: Naming): readonly Block[] {
  const owing = secrets.filter(({ contained, unwritten }) => contained && unwritten !== undefined)
  const isFile = ({ unwrittenFiles = [] }: SecretReport): boolean => unwrittenFiles.length > 0
  return [
    ...owingBlocks(
      owing.filter(isFile),
      "For these secrets, a file could not be written, and was left as it was: " +
        "it shows a value that is no longer current. Find out why it could not be written, " +
        "or who has changed it, and put that right. This command then writes it, " +
        "restarts those programs, and changes nothing else:",
      naming,
    ),
    ...owingBlocks(
      owing.filter((one) => !isFile(one) && one.endGone === undefined),
      "For these secrets, a program could not be restarted, and may hold a value that no " +
        "longer works. Find out why its restart fails (run it by hand). " +
        "This command then restarts it, and changes nothing else:",
      naming,
    ),
    ...goneBlocks(owing.filter(({ endGone }) => endGone !== undefined)),
  ]
}

/** No command restarts these. */
function goneBlocks(owing: readonly SecretReport[]): readonly Block[] {
  if (owing.length === 0) return []
  return [
    {
      kind: "text",
      text:
        "For these secrets, a program that is not in the config any more was not restarted, " +
        "and may hold a value that no longer works:",
    },
    { kind: "list", items: owing.map((one) => `${placeOf(one)}: ${one.endGone ?? ""}`) },
  ]
}

function owingBlocks(
  owing: readonly SecretReport[],
  text: string,
  naming: Naming,
): readonly Block[] {
  if (owing.length === 0) return []
  return [
    { kind: "text", text },
    ...againBlocks(owing.map(placeOf), naming),
    {
      kind: "list",
      items: owing.map((one) => `${placeOf(one)}: ${one.unwritten ?? ""}`),
    },
  ]
}

/** Programs that do not work with the new values, as far as is known. */
function programBlocks(unhealthy: IncidentReport["unhealthy"]): readonly Block[] {
  const names = (all: IncidentReport["unhealthy"], when: string): string =>
    all
      .map(
        ({ environment, deployment, at }) => `${environment}/${deployment} (${when}${instant(at)})`,
      )
      .join(", ")
  const old = unhealthy.filter(({ notRestarted }) => notRestarted === true)
  const failed = unhealthy.filter(({ notRestarted }) => notRestarted !== true)
  const text = (sentence: string): Block => ({ kind: "text", text: sentence })
  return [
    ...(old.length === 0
      ? []
      : [
          text(
            "These programs were not restarted, and may hold a value that is not the current " +
              `one: ${names(old, "last tried at ")}. Their health check cannot show this: ` +
              "they may still work with the value that they read before.",
          ),
        ]),
    ...(failed.length === 0
      ? []
      : [
          text(
            `Look at these programs: ${names(failed, "")}. They were restarted, ` +
              "and were not healthy when mycelium last asked. The compromised value was not put " +
              "back for them.",
          ),
        ]),
  ]
}
