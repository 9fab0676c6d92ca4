import { type Reconciliation, reconcile as find } from "../../repair/reconcile.ts"
import type { Behind } from "../../record/ledger.ts"
import { AppError } from "../../base/error.ts"
import type { ReconcileFinding } from "../../rotate/reconcile/finding.ts"
import { type Command, type Terminal, isSet } from "../command.ts"
import { deathLines } from "../death.ts"
import { exitCodes } from "../exit-codes.ts"
import { openApp } from "../open-app.ts"
import { isItRunning } from "../way-out.ts"

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
    "nothing-runs": {
      type: "boolean",
      summary:
        "you have made sure that no program of an earlier run is left where this run cannot see it " +
        "(mycelium explain other-namespace)",
    },
  },
  run: async (terminal, args, values) => {
    const app = await openApp(terminal, values, "reconcile")
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
    const result = await find(app, environment, {
      dryRun,
      deep: isSet(values, "deep"),
      nothingRuns,
    })
    if (isSet(values, "json")) terminal.stdout(JSON.stringify({ environment, dryRun, ...result }))
    else say(terminal, environment, result, dryRun)
    return exitOf(result)
  },
}

function say(
  terminal: Terminal,
  environment: string,
  { found, written, behind, revoked }: Reconciliation,
  dryRun: boolean,
): void {
  for (const [name, one] of Object.entries(found))
    for (const line of linesOf(`${environment}/${name}`, environment, one, dryRun))
      terminal.stdout(line)
  for (const death of revoked) {
    for (const line of deathLines(environment, death)) terminal.stdout(line)
  }
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

function linesOf(
  place: string,
  environment: string,
  one: ReconcileFinding,
  dryRun: boolean,
): readonly string[] {
  switch (one.kind) {
    case "same":
      return [
        `${place}: ${one.version} is ` +
          `current${one.revived.length === 0 ? "" : `, but ${one.revived.join(", ")} is accepted again${dryRun ? "" : " and will be revoked"}`}`,
        ...(one.differ.length === 0
          ? []
          : [
              `  hint: ${one.differ.join(", ")} shows something else: mycelium render ${environment} writes it`,
            ]),
      ]
    case "found": {
      const did = [
        ...(one.outputs.length === 0 ? [] : [`written: ${one.outputs.join(", ")}`]),
        ...(one.restarts.length === 0 ? [] : [`restarted: ${one.restarts.join(", ")}`]),
      ]
      const shown = did.length === 0 ? "the outputs show it already" : did.join("; ")
      return [
        `${place}: the service accepts ` +
          `${one.version}${one.was === undefined ? "" : `, not ${one.was}`}: ` +
          `it ${dryRun ? "would become" : "is"} ` +
          `current${dryRun ? " (" : "; "}${shown}${dryRun ? ")" : ""}${one.unhealthy === undefined ? "" : `, BUT ${one.unhealthy}`}`,
        ...(one.unhealthy === undefined
          ? []
          : [
              "  hint: the program may be down: look at its log, and restart it so that it " +
                "reads its files again; rotate-now on the secret then proves it healthy " +
                "(mycelium explain promoted-unhealthy)",
            ]),
        ...(one.revived.length === 0
          ? []
          : [`  ${one.revived.join(", ")} is accepted too${dryRun ? "" : " and will be revoked"}`]),
      ]
    }
    case "lost":
      return [
        `${place}: ` +
          `${one.asked === 0 ? "there is no version that could be tried" : `the service refuses all ${one.asked} versions that were tried`} ` +
          "(none-accepted)",
        ...(one.unasked === 0
          ? []
          : [`  ${one.unasked} older versions were not tried: --deep tries them`]),
        `  hint: ${remedyOf(one, environment)}`,
      ]
    case "held":
      return [
        `${place}: ` +
          `${one.version === undefined ? "" : `${one.version} is accepted, but `}${one.message} ` +
          `(${one.code})`,
        ...(one.hint === undefined ? [] : [`  hint: ${one.hint}`]),
      ]
    case "unknown":
      return [
        `${place}: no clear answer: ${one.message} (${one.code}); nothing was decided`,
        ...(one.code === "unreachable" ? [`  hint: ${isItRunning}`] : []),
      ]
    case "new":
      return [`${place}: without a value, left alone (adopt, or rotate-now --new)`]
  }
}

/** By hand, without a value on any command line. */
const byHand: Readonly<Record<string, (user: string) => string>> = {
  postgres: (user) => `in psql: \\password ${user}`,
  redis: (user) => `in redis-cli: ACL SETUSER ${user} >VALUE, then ACL SAVE`,
}

function remedyOf(
  { driver, user, current }: Extract<ReconcileFinding, { readonly kind: "lost" }>,
  environment: string,
): string {
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

function exitOf({ found, revoked, written, behind }: Reconciliation): number {
  const all = Object.values(found)
  if (
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
