import { type Reconciliation, reconcile as find } from "../../repair/reconcile.ts"
import type { Behind } from "../../record/older-than-log.ts"
import { AppError } from "../../base/error.ts"
import { compromisedAgain } from "../../core/open-containment.ts"
import { type NotContained, statePutBack } from "../../rotate/reconcile/contained.ts"
import type { ReconcileFinding } from "../../rotate/reconcile/finding.ts"
import { present } from "../../base/present.ts"
import { type Command, type Terminal, isSet, textOf } from "../command.ts"
import { deathLines } from "../death.ts"
import { withEndedFirst } from "../ended-first.ts"
import { exitCodes } from "../exit-codes.ts"
import { openApp } from "../open-app.ts"
import { isItRunning } from "../way-out.ts"
import { hintLines, sayIf, sayList, unhealthyHint } from "../words.ts"

export const reconcile: Command = {
  usage: [
    "After a backup of a service or of the state was put back, or a password was changed: asks each",
    "service, by one login for each version, which of the values in the state it accepts. If that is not",
    "the current one, makes it current, writes outputs and restarts deployments. Only this command",
    "accepts a state that is older than its audit log.",
  ].join("\n"),
  options: {
    "dry-run": { type: "boolean", summary: "ask, say what would be done, and change nothing" },
    deep: {
      type: "boolean",
      summary:
        "try every sealed version, not only the five likeliest; each wrong one is a refused login, " +
        "after which some services lock the account",
    },
    gone: {
      type: "string",
      value: "PROGRAM|SERVER",
      summary:
        "you have made sure that this program, which is not in the config any more, does not run: " +
        "its restart is owed no more (mycelium explain output-owed); or that this server is gone " +
        "for good, or refuses the old values (mycelium explain server-left)",
    },
    "nothing-runs": {
      type: "boolean",
      summary:
        "you have made sure that no program of an earlier run is left where this run cannot see it " +
        "(mycelium explain other-namespace)",
    },
  },
  run: withEndedFirst((first) => async (terminal, args, values) => {
    const app = first.heard(await openApp(terminal, values, "reconcile"))
    const [environment, more] = args
    if (environment === undefined || more !== undefined)
      throw new AppError("usage", "name one environment", {
        hint: `one of: ${Object.keys(app.config.environments).join(", ")}`,
      })
    const dryRun = isSet(values, "dry-run")
    const nothingRuns = isSet(values, "nothing-runs")
    if (nothingRuns && dryRun)
      throw new AppError("usage", "--nothing-runs and --dry-run contradict each other", {
        hint: "leave one out",
      })
    const gone = textOf(values, "gone")
    if (gone !== undefined && dryRun)
      throw new AppError("usage", "--gone and --dry-run contradict each other", {
        hint: "leave one out",
      })
    const result = await find(app, environment, {
      dryRun,
      ...present({ gone }),
      deep: isSet(values, "deep"),
      nothingRuns,
    })
    if (isSet(values, "json")) terminal.stdout(JSON.stringify({ environment, dryRun, ...result }))
    else say(terminal, environment, result, dryRun)
    return exitOf(result)
  }),
}

function say(
  terminal: Terminal,
  environment: string,
  { found, written, behind, uncontained, revoked, open }: Reconciliation,
  dryRun: boolean,
): void {
  for (const [name, one] of Object.entries(found))
    for (const line of linesOf(`${environment}/${name}`, one, {
      environment,
      dryRun,
      open,
      behind,
    }))
      terminal.stdout(line)
  for (const death of revoked) {
    for (const line of deathLines(environment, death)) terminal.stdout(line)
  }
  for (const [name, one] of Object.entries(uncontained))
    for (const line of uncontainedLines(`${environment}/${name}`, one)) terminal.stdout(line)
  if (behind !== undefined) {
    const what = whatIsBehind(behind)
    if (written)
      terminal.stdout(`${environment}: ${what}; it goes on from here, and the log says so`)
    else
      terminal.stdout(
        `${environment}: ` +
          `${what}${dryRun ? "" : ", and stays set aside until every service has given a clear answer"}`,
      )
  }
  if (dryRun) terminal.stderr("nothing was changed: leave out --dry-run to do it")
}

type Found<Kind extends ReconcileFinding["kind"]> = Extract<
  ReconcileFinding,
  { readonly kind: Kind }
>

type Around = {
  readonly environment: string
  readonly dryRun: boolean
  /** Secrets of a rotation that is not finished. */
  readonly open: readonly string[]
  readonly behind: Behind | undefined
}

function linesOf(place: string, one: ReconcileFinding, around: Around): readonly string[] {
  const { dryRun } = around
  if (one.kind === "same") return sameLines(place, one, around)
  if (one.kind === "found") return foundLines(place, one, dryRun)
  if (one.kind === "lost") return lostLines(place, around.environment, one)
  if (one.kind === "new")
    return [`${place}: without a value, left alone (adopt, or rotate-now --new)`]
  const why = `${one.message} (${one.code})`
  if (one.kind === "unknown")
    return [
      `${place}: no clear answer: ${why}; nothing was decided`,
      ...hintLines(one.code === "unreachable" ? isItRunning : undefined),
    ]
  return [
    `${place}: ${sayIf(one.version, (version) => `${version} is accepted, but `)}${why}`,
    ...hintLines(one.hint),
  ]
}

function sameLines(
  place: string,
  { version, revived, differ }: Found<"same">,
  { environment, dryRun, open, behind }: Around,
): readonly string[] {
  const more = sayList(
    revived,
    (versions) => `, but ${versions} is accepted again${dryRun ? "" : " and will be revoked"}`,
  )
  // Render writes nothing while it is not known what the outputs should show.
  const once = open.length === 0 ? "" : `once the rotation of ${open.join(", ")} has ended, `
  // What a file shows may be newer than a state that is older than its log.
  const rendered =
    behind === undefined
      ? `shows another value: ${once}mycelium render ${environment} writes it`
      : "shows another value, which may be newer than this state: " +
        `if the file is right, mycelium adopt ${environment} takes it over`
  return [
    `${place}: ${version} is current${more}`,
    ...hintLines(differ.length === 0 ? undefined : `${differ.join(", ")} ${rendered}`),
  ]
}

function uncontainedLines(place: string, { incident, code }: NotContained): readonly string[] {
  const why =
    {
      [compromisedAgain.code]: compromisedAgain.message,
      [statePutBack.code]: statePutBack.message,
    }[code] ?? "its containment is not at its end"
  return [
    `${place}: NOT contained in ${incident}: ${why} (${code})`,
    ...hintLines(`this ends it: mycelium rotate-now ${place} --contain --incident ${incident}`),
  ]
}

function foundLines(place: string, one: Found<"found">, dryRun: boolean): readonly string[] {
  const { version, was, outputs, restarts, unhealthy, revived } = one
  const did = [
    sayList(outputs, (names) => `written: ${names}`),
    sayList(restarts, (names) => `restarted: ${names}`),
  ].filter((words) => words !== "")
  const shown = did.length === 0 ? "the outputs show it already" : did.join("; ")
  const accepts = `the service accepts ${version}${sayIf(was, (former) => `, not ${former}`)}`
  const becomes = dryRun ? `it would become current (${shown})` : `it is current; ${shown}`
  return [
    `${place}: ${accepts}: ${becomes}${sayIf(unhealthy, (text) => `, BUT ${text}`)}`,
    ...hintLines(unhealthy === undefined ? undefined : unhealthyHint),
    ...(revived.length === 0
      ? []
      : [`  ${revived.join(", ")} is accepted too${dryRun ? "" : " and will be revoked"}`]),
  ]
}

function lostLines(place: string, environment: string, one: Found<"lost">): readonly string[] {
  const refuses =
    one.asked === 0
      ? "there is no version that could be tried"
      : `the service refuses all ${one.asked} versions that were tried`
  return [
    `${place}: ${refuses} (none-accepted)`,
    ...(one.unasked === 0
      ? []
      : [`  ${one.unasked} older versions were not tried: --deep tries them`]),
    ...hintLines(remedyOf(one, environment)),
  ]
}

/** By hand, without a value on any command line. */
const byHand: Readonly<Record<string, (user: string) => string>> = {
  postgres: (user) => `in psql: \\password ${user}`,
  redis: (user) => `in redis-cli: ACL SETUSER ${user} >VALUE, then ACL SAVE`,
}

function remedyOf({ driver, user, current }: Found<"lost">, environment: string): string {
  const adopt =
    `mycelium adopt ${environment} takes over the value that the output shows, if the service ` +
    "accepts it, and changes nothing else; one that stands elsewhere: " +
    `mycelium adopt ${environment} --ask`
  const set = byHand[driver]?.(user ?? (driver === "redis" ? "default" : "ROLE"))
  return current === undefined || set === undefined
    ? adopt
    : `${adopt}; only if no value is known that works, set ${current} at the service by hand ` +
        `(${set}; mycelium help operations shows how to open it), and run this command again`
}

function whatIsBehind({ lost, cut }: Behind): string {
  if (cut) return "lines of the audit log that the state knows of are gone"
  return lost ? "the state was gone" : "the state is older than its audit log"
}

function exitOf({ found, revoked, written, behind, uncontained }: Reconciliation): number {
  const all = Object.values(found)
  if (
    Object.keys(uncontained).length > 0 ||
    all.some((one) => one.kind === "lost" || one.kind === "held") ||
    revoked.some(({ death }) => death.kind === "alive")
  )
    return exitCodes.person
  const unknown = all.filter((one) => one.kind === "unknown").length
  const nothing = unknown === all.length || (behind !== undefined && !written)
  if (unknown > 0) return nothing ? exitCodes.failed : exitCodes.partly
  if (
    all.some(
      (one) =>
        (one.kind === "found" && one.unhealthy !== undefined) ||
        (one.kind === "new" && behind !== undefined),
    )
  )
    return exitCodes.partly
  return exitCodes.done
}
