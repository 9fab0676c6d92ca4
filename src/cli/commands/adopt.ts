import { adopt as takeOver } from "../../repair/adopt.ts"
import type { Adopted, Follow } from "../../repair/adoptable.ts"
import { AppError } from "../../base/error.ts"
import { askFor, readGiven } from "../given.ts"
import { type Command, isSet, textOf } from "../command.ts"
import { exitCodes } from "../exit-codes.ts"
import { instantOf } from "../instant.ts"
import { openApp } from "../open-app.ts"

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
  run: async (terminal, args, values) => {
    const rotatedAt = dateOf(textOf(values, "rotated-at"), terminal.host.now())
    const app = await openApp(terminal, values, "adopt")
    const [environment, more] = args
    if (environment === undefined || more !== undefined)
      throw new AppError("usage", "name one environment", {
        hint: `one of: ${Object.keys(app.config.environments).join(", ")}`,
      })
    const names = Object.keys(app.config.environments[environment]?.secrets ?? {})
    const from = textOf(values, "from")
    const given = isSet(values, "ask")
      ? await askFor(terminal, names)
      : from === undefined
        ? {}
        : await readGiven(terminal, from, names)
    const results = await takeOver(app, environment, given, rotatedAt)
    if (isSet(values, "json")) terminal.stdout(JSON.stringify({ environment, results }))
    else {
      for (const [name, result] of Object.entries(results)) {
        if (result.kind === "adopted")
          terminal.stdout(
            `${environment}/${name}: adopted as ${result.version}: ` +
              `${result.proof}${dueWords(result, app.config.environments[environment]?.secrets[name]?.rotateEveryMs ?? null)}${endedWords(result.ended)}${containedWords(result.uncontained)}`,
          )
        else if (result.kind === "known")
          terminal.stdout(
            `${environment}/${name}: known already, ` +
              `${result.version}${datedWords(result)}${containedWords(result.uncontained)}`,
          )
        else {
          terminal.stdout(`${environment}/${name}: not adopted: ${result.message} (${result.code})`)
          if (result.hint !== undefined) terminal.stdout(`  hint: ${result.hint}`)
        }
        if (result.kind !== "refused")
          for (const line of result.listens ?? []) terminal.stdout(`  ${line}`)
        if (result.kind !== "refused" && result.uncontained !== undefined)
          terminal.stdout(
            `  hint: this ends it: mycelium rotate-now ${environment}/${name} --contain ` +
              `--incident ${result.uncontained}`,
          )
        if (result.kind === "adopted")
          for (const line of [
            ...followLines(environment, result.follow).map((one) => `  ${one}`),
            ...followingLines(environment, result),
          ])
            terminal.stdout(line)
      }
    }
    const unhealthy = Object.values(results).some(
      (one) => one.kind === "adopted" && one.ended?.unhealthy !== undefined,
    )
    const refused = Object.values(results).filter((one) => one.kind === "refused").length
    if (refused === 0) return unhealthy ? exitCodes.partly : exitCodes.done
    return refused === Object.keys(results).length ? exitCodes.failed : exitCodes.partly
  },
}

/** "2026-03-01", or an age. A date before 1990 is a typing error. */
function dateOf(text: string | undefined, now: Date): Date | undefined {
  if (text === undefined) return undefined
  const at = instantOf(text, "rotated-at", now)
  if (at.getUTCFullYear() < 1990) throw new AppError("usage", "--rotated-at lies before 1990")
  return at
}

function dueWords(
  { weak, madeAt }: Extract<Adopted, { readonly kind: "adopted" }>,
  rotateEveryMs: number | null,
): string {
  const due =
    rotateEveryMs === null
      ? ", and it is never rotated by itself"
      : ", so it is due at the next scheduled time"
  const age = madeAt === undefined ? "its age is unknown" : `it was made on ${madeAt.slice(0, 10)}`
  const why = [age, ...(weak ? ["it is easily guessed"] : [])].join(" and ")
  return `; ${why}${madeAt === undefined || weak ? due : ""}`
}

/** Nothing outside was changed. */
function followingLines(
  environment: string,
  { differ = [], restart = [] }: Extract<Adopted, { readonly kind: "adopted" }>,
): readonly string[] {
  const write =
    `${differ.join(", ")} ${differ.length === 1 ? "shows" : "show"} another value: ` +
    `mycelium render ${environment} writes this one`
  const programs = `restart ${restart.map((name) => `${environment}/${name}`).join(", ")}`
  if (differ.length > 0)
    return [`  hint: ${write}${restart.length === 0 ? "" : `; then ${programs}`}`]
  return restart.length === 0
    ? []
    : [
        `  hint: ${programs}, unless that was done since the value was changed: else they hold the former one`,
      ]
}

function datedWords({ madeAt, ours }: Extract<Adopted, { readonly kind: "known" }>): string {
  if (madeAt !== undefined) return `; it was made on ${madeAt.slice(0, 10)}`
  return ours === true
    ? "; mycelium made it and knows when, so --rotated-at does not apply to it"
    : ""
}

function containedWords(incident: string | undefined): string {
  return incident === undefined
    ? ""
    : `; NOT contained in ${incident}, because an adoption ends no sessions and no values that others set`
}

/** Nothing outside is changed by an adoption: what has still to follow is said. */
function followLines(environment: string, follow: Follow | undefined): readonly string[] {
  if (follow === undefined) return []
  const { outputs, restarts } = follow
  const [kind, it] = outputs.length === 1 ? ["is", "it"] : ["are", "them"]
  return [
    ...(outputs.length === 0
      ? []
      : [
          `${outputs.join(", ")} ${kind} not up to date: mycelium render ${environment} writes ${it}`,
        ]),
    ...(restarts.length === 0
      ? []
      : [
          `${outputs.length === 0 ? "" : "then "}restart what may still hold the former ` +
            `value: ${restarts.join(", ")}`,
        ]),
  ]
}

function endedWords(ended: Extract<Adopted, { readonly kind: "adopted" }>["ended"]): string {
  if (ended === undefined) return ""
  const { outputs, restarts, unhealthy } = ended
  return (
    "; the rotation that was not finished ends with " +
    `it${outputs.length === 0 ? "" : `; written: ${outputs.join(", ")}`}${restarts.length === 0 ? "" : `; restarted: ${restarts.join(", ")}`}${unhealthy === undefined ? "" : `, BUT ${unhealthy}`}`
  )
}
