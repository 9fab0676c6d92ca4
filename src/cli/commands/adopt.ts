import { adopt as takeOver } from "../../repair/adopt.ts"
import type { Adopted, Follow, SuppliedValues } from "../../repair/adoptable.ts"
import { AppError } from "../../base/error.ts"
import { askFor, readGiven } from "../given.ts"
import { type Command, type Terminal, type Values, isSet, textOf } from "../command.ts"
import { withEndedFirst } from "../ended-first.ts"
import { exitCodes } from "../exit-codes.ts"
import { instantOf } from "../instant.ts"
import { openApp } from "../open-app.ts"
import { hintLines, sayIf, sayList } from "../words.ts"

export const adopt: Command = {
  usage: [
    "Takes over the values that exist: reads them back from the outputs (through the templates),",
    "logs in with each, and seals them into the state. Changes nothing outside. Run it again after a",
    "password was changed by hand. It also ends a rotation that is stuck because its service refuses",
    "every stored value: give a value that works, and files and programs follow.",
  ].join("\n"),
  options: {
    from: {
      type: "string",
      value: "FILE",
      summary: 'values from a JSON file: {"postgres_password": …}; "-" reads stdin',
    },
    "rotated-at": {
      type: "string",
      value: "TIME",
      summary:
        "when these values were made: 2026-03-01, or 90d for 90 days ago; without it their age is " +
        "unknown, and they are due at the next scheduled time",
    },
    ask: {
      type: "boolean",
      summary: "ask for each value on the terminal, which does not show what is typed",
    },
  },
  run: withEndedFirst((first) => async (terminal, args, values) => {
    const rotatedAt = dateOf(textOf(values, "rotated-at"), terminal.host.now())
    const app = first.heard(await openApp(terminal, values, "adopt"))
    const [environment, more] = args
    if (environment === undefined || more !== undefined)
      throw new AppError("usage", "name one environment", {
        hint: `one of: ${Object.keys(app.config.environments).join(", ")}`,
      })
    const secrets = app.config.environments[environment]?.secrets ?? {}
    const given = await valuesGiven(terminal, values, Object.keys(secrets))
    const results = await takeOver(app, environment, given, rotatedAt)
    if (isSet(values, "json")) terminal.stdout(JSON.stringify({ environment, results }))
    else
      for (const [name, result] of Object.entries(results))
        for (const line of linesOf(environment, name, result, secrets[name]?.rotateEveryMs ?? null))
          terminal.stdout(line)
    return exitOf(Object.values(results))
  }),
}

async function valuesGiven(
  terminal: Terminal,
  values: Values,
  names: readonly string[],
): Promise<SuppliedValues> {
  if (isSet(values, "ask")) return askFor(terminal, names)
  const from = textOf(values, "from")
  return from === undefined ? {} : readGiven(terminal, from, names)
}

function exitOf(results: readonly Adopted[]): number {
  // As every command that leaves a secret not contained.
  if (results.some((one) => one.kind !== "refused" && one.uncontained !== undefined))
    return exitCodes.person
  const refused = results.filter((one) => one.kind === "refused").length
  if (refused > 0) return refused === results.length ? exitCodes.failed : exitCodes.partly
  return results.some((one) => one.kind === "adopted" && one.ended?.unhealthy !== undefined)
    ? exitCodes.partly
    : exitCodes.done
}

type TakenOver = Extract<Adopted, { readonly kind: "adopted" }>

function linesOf(
  environment: string,
  name: string,
  result: Adopted,
  rotateEveryMs: number | null,
): readonly string[] {
  const place = `${environment}/${name}`
  if (result.kind === "refused")
    return [`${place}: not adopted: ${result.message} (${result.code})`, ...hintLines(result.hint)]
  const words =
    result.kind === "adopted"
      ? `${takenAs(result)}: ${result.proof}${dueWords(result, rotateEveryMs)}` +
        endedWords(result.ended)
      : `known already, ${result.version}${datedWords(result)}`
  return [
    `${place}: ${words}${containedWords(result)}`,
    ...(result.listens ?? []).map((line) => `  ${line}`),
    ...hintLines(containHint(place, result.uncontained)),
    ...(result.kind === "adopted" ? followingLines(environment, result) : []),
  ]
}

/** "2026-03-01", or an age. A date before 1990 is a typing error. */
function dateOf(text: string | undefined, now: Date): Date | undefined {
  if (text === undefined) return undefined
  const at = instantOf(text, "rotated-at", now)
  if (at.getUTCFullYear() < 1990) throw new AppError("usage", "--rotated-at lies before 1990")
  return at
}

function dueWords({ weak, madeAt }: TakenOver, rotateEveryMs: number | null): string {
  const due =
    rotateEveryMs === null
      ? ", and it is never rotated by itself"
      : ", so it is due at the next scheduled time"
  const age = madeAt === undefined ? "its age is unknown" : `it was made on ${madeAt.slice(0, 10)}`
  const why = [age, ...(weak ? ["it is easily guessed"] : [])].join(" and ")
  return `; ${why}${madeAt === undefined || weak ? due : ""}`
}

function datedWords({ madeAt, ours }: Extract<Adopted, { readonly kind: "known" }>): string {
  if (madeAt !== undefined) return `; it was made on ${madeAt.slice(0, 10)}`
  return ours === true
    ? "; mycelium made it and knows when, so --rotated-at does not apply to it"
    : ""
}

function takenAs({ version, stored }: TakenOver): string {
  return `adopted as ${version}${stored === true ? ", which holds this value already" : ""}`
}

function endedWords(ended: TakenOver["ended"]): string {
  if (ended === undefined) return ""
  const { outputs, restarts, unhealthy } = ended
  return [
    "; the rotation that was not finished ends with it",
    sayList(outputs, (names) => `; written: ${names}`),
    sayList(restarts, (names) => `; restarted: ${names}`),
    sayIf(unhealthy, (text) => `, BUT ${text}`),
  ].join("")
}

function containedWords({
  uncontained,
  takenAway,
}: Pick<TakenOver, "uncontained" | "takenAway">): string {
  return sayIf(uncontained, (incident) => {
    const why =
      takenAway === undefined
        ? "an adoption ends no sessions and no values that others set"
        : `it is the value of ${takenAway}, which a containment took away`
    return `; NOT contained in ${incident}, because ${why}`
  })
}

function containHint(place: string, incident: string | undefined): string | undefined {
  return incident === undefined
    ? undefined
    : `this ends it: mycelium rotate-now ${place} --contain --incident ${incident}`
}

/** An adoption changes nothing outside, so it says what still has to follow. */
function followingLines(environment: string, result: TakenOver): readonly string[] {
  return [
    ...followLines(environment, result.follow).map((line) => `  ${line}`),
    ...hintLines(differHint(environment, result)),
  ]
}

function followLines(environment: string, follow: Follow | undefined): readonly string[] {
  if (follow === undefined) return []
  const { outputs, restarts } = follow
  const [are, them] = outputs.length === 1 ? ["is", "it"] : ["are", "them"]
  const then = outputs.length === 0 ? "" : "then "
  return [
    sayList(
      outputs,
      (names) => `${names} ${are} not up to date: mycelium render ${environment} writes ${them}`,
    ),
    sayList(restarts, (names) => `${then}restart what may still hold the former value: ${names}`),
  ].filter((line) => line !== "")
}

function differHint(
  environment: string,
  { differ = [], restart = [] }: TakenOver,
): string | undefined {
  const programs = `restart ${restart.map((name) => `${environment}/${name}`).join(", ")}`
  if (differ.length > 0)
    return (
      `${differ.join(", ")} ${differ.length === 1 ? "is" : "are"} not as mycelium would write ` +
      `${differ.length === 1 ? "it" : "them"} with this value: mycelium render ${environment} does that` +
      (restart.length === 0 ? "" : `; then ${programs}`)
    )
  return restart.length === 0
    ? undefined
    : `${programs}, unless that was done since the value was changed: else they hold the former one`
}
