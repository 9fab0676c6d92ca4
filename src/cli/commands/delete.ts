import { type Plan, type Unfinished, deleteSecrets, planDelete } from "../../repair/delete.ts"
import type { Deleted, Deletions, Sessions } from "../../repair/delete/deleted.ts"
import type { App } from "../../app/app.ts"
import { AppError } from "../../base/error.ts"
import { present } from "../../base/present.ts"
import { type Command, type Terminal, type Values, isSet } from "../command.ts"
import { keptLinesOf, unfinishedLine } from "../unfinished-lines.ts"
import { withEndedFirst } from "../ended-first.ts"
import { exitCodes } from "../exit-codes.ts"
import { openApp } from "../open-app.ts"
import { counted } from "../words.ts"
import { withLeftOver } from "../../app/left-over.ts"

export const deleteCommand: Command = {
  usage: [
    "Erases a secret, or all of an environment, for good: its login at the service (proven by a refused",
    "login), then its lines in the outputs, then every version in the state. Restarts nothing.",
    "Open sessions end if an incident left it uncontained, or with end_sessions; else they stay open.",
    "Without --yes it only says what it would do. If it is interrupted, " +
      "the same command finishes it. The audit log keeps the names, " +
      "and backups of the state keep the values.",
    "To erase what a renamed secret or environment has left in the state, give its old name and",
    "--keep-login.",
  ].join("\n"),
  options: {
    yes: { type: "boolean", summary: "do it; without this it only says what it would do" },
    "dry-run": {
      type: "boolean",
      summary:
        "say what it would do, and end with 0 if nothing blocks it (1, 5 or 7 otherwise); without " +
        "--dry-run and --yes it says the same, and ends with 2",
    },
    "keep-login": {
      type: "boolean",
      summary:
        "leave the login at the service as it is; erase only Mycelium's copies of its values",
    },
    "login-ended": {
      type: "boolean",
      summary:
        "you have ended the login at the service, or another secret has it now: erase Mycelium's " +
        "copies; an incident that waits for it counts as ended by your word",
    },
  },
  run: withEndedFirst((first) => async (terminal, args, values) => {
    if (isSet(values, "keep-login") && isSet(values, "login-ended"))
      throw new AppError("usage", "--keep-login and --login-ended contradict each other", {
        hint: "leave one out",
      })
    const [environment = "", secret] = partsOf(args)
    const app = first.heard(withLeftOver(await openApp(terminal, values, "delete"), environment))
    refuseUnclear(app, args)
    const options = {
      keepLogin: isSet(values, "keep-login"),
      loginEnded: isSet(values, "login-ended"),
      ...present({ secrets: secret === undefined ? undefined : [secret] }),
    }
    const dry = isSet(values, "dry-run")
    if (dry && isSet(values, "yes"))
      throw new AppError("usage", "--dry-run and --yes contradict each other", {
        hint: "leave one out",
      })
    if (!isSet(values, "yes")) {
      const plan = await planDelete(app, environment, options)
      sayPlan(terminal, values, environment, plan)
      return dry ? exitOfPlan(plan) : exitCodes.usage
    }
    const done = await deleteSecrets(app, environment, options)
    return sayDone(terminal, values, {
      environment,
      done,
      listed: Object.keys(done).some(
        (name) => app.config.environments[environment]?.secrets[name] !== undefined,
      ),
    })
  }),
}

/** "ENV", or "ENV/SECRET". */
function partsOf([selection = ""]: readonly string[]): readonly string[] {
  return selection.split("/")
}

function refuseUnclear({ config }: App, args: readonly string[]): void {
  const [environment = "", secret, deeper] = partsOf(args)
  const names = Object.keys(config.environments)
  const isClear = names.includes(environment) && secret !== "" && deeper === undefined
  if (isClear && args.length <= 1) return
  throw new AppError("usage", "name one environment, or one secret as ENV/SECRET", {
    hint: `environments: ${names.join(", ")}`,
  })
}

const logins = {
  ends: "the login ends, proven by a refused one",
  kept: "the login stays as it is (--keep-login)",
  ended: "you say that the login is ended, or another secret's (--login-ended)",
  none: "no service asks for it",
}

/**
 * As every dry run. Without --dry-run the code is 2, so that a script that forgot --yes does not
 * take the plan for the deed.
 */
function exitOfPlan({ would, cutOff }: Plan): number {
  // As every command that leaves programs cut off.
  if (cutOff === true) return exitCodes.person
  const all = Object.values(would)
  const blocked = all.filter((one) => one.kind !== "erased" && one.kind !== "unknown").length
  if (blocked === 0) return exitCodes.done
  return blocked < all.length ? exitCodes.partly : exitCodes.failed
}

function sayPlan(
  terminal: Terminal,
  values: Values,
  environment: string,
  { unfinished, would }: Plan,
): void {
  if (isSet(values, "json")) {
    terminal.stdout(JSON.stringify({ environment, unfinished, would }))
    return
  }
  for (const one of unfinished)
    for (const line of unfinishedLines(environment, one)) terminal.stdout(line)
  for (const [name, one] of Object.entries(would)) {
    if (one.kind !== "erased") {
      sayOther(terminal, `${environment}/${name}`, one)
      continue
    }
    terminal.stdout(`Would erase ${environment}/${name}, for good:`)
    terminal.stdout(`  1 login    ${logins[one.login]}`)
    terminal.stdout(`  2 outputs  ${outputWords(one.outputs)}`)
    terminal.stdout(
      `  3 state    ${counted(one.versions, "version")}; backups keep what they hold, ` +
        "the audit log keeps names",
    )
  }
  terminal.stderr(`nothing was changed: ${whatYesDoes(would, isSet(values, "dry-run"))}`)
}

function unfinishedLines(environment: string, one: Unfinished): readonly string[] {
  if (one.kept !== undefined) return keptLinesOf(environment, one)
  return [`${unfinishedLine(environment, one)}. With --yes this command ends it first.`]
}

/** A promise of what is not possible now would not be kept. */
function whatYesDoes(would: Deletions, dry: boolean): string {
  const all = Object.entries(would)
  const erased = all.flatMap(([name, { kind }]) => (kind === "erased" ? [name] : []))
  if (erased.length === 0) return "--yes would erase nothing now"
  const others = all.filter(([, { kind }]) => kind !== "erased" && kind !== "unknown")
  if (others.length > 0) return `--yes would erase ${erased.join(", ")} alone`
  return dry ? "--yes does it" : "add --yes to do it"
}

function outputWords(outputs: Extract<Deleted, { readonly kind: "erased" }>["outputs"]): string {
  if (outputs.length === 0) return "none shows it"
  return outputs
    .map(({ target, variables }) => `${target}: without ${variables.join(", ")}`)
    .join("; ")
}

function sayDone(
  terminal: Terminal,
  values: Values,
  {
    environment,
    done,
    listed,
  }: { readonly environment: string; readonly done: Deletions; readonly listed: boolean },
): number {
  if (isSet(values, "json")) terminal.stdout(JSON.stringify({ environment, deleted: done }))
  else
    for (const [name, one] of Object.entries(done)) sayOne(terminal, `${environment}/${name}`, one)
  const all = Object.values(done)
  const erased = all.filter((one) => one.kind === "erased").length
  if (erased > 0 && !isSet(values, "json"))
    terminal.stderr(
      "next: " +
        `${listed ? "remove it from the config, where it now counts as new; and " : ""}delete ` +
        "backups of the state that must not keep it",
    )
  if (all.some((one) => one.kind === "unproven")) return exitCodes.person
  if (all.every((one) => one.kind === "erased" || one.kind === "unknown")) return exitCodes.done
  return erased > 0 ? exitCodes.partly : exitCodes.failed
}

function sayOne(terminal: Terminal, name: string, one: Deleted): void {
  if (one.kind !== "erased") return sayOther(terminal, name, one)
  const login = {
    ends: `its login is refused${sessionsWords(one.sessions)}`,
    kept: "its login stays as it is",
    ended: "that its login is ended is your word, and is noted as that",
    none: "no service asks for it",
  }[one.login]
  const files =
    one.outputs.length === 0
      ? "no output showed it"
      : `gone from ${one.outputs.map(({ target }) => target).join(", ")}`
  terminal.stdout(
    `${name}: erased: ${login}; ${files}; ${counted(one.versions, "version")} gone from the state`,
  )
}

function sessionsWords(sessions: Sessions | undefined): string {
  if (sessions === undefined) return ""
  if (sessions.kind === "ended") return `, and ${counted(sessions.count, "open session")} ended`
  return sessions.kind === "stay"
    ? "; sessions that are open stay open"
    : "; sessions that are open may stay open, for nothing here can end them"
}

function sayOther(
  terminal: Terminal,
  name: string,
  one: Exclude<Deleted, { readonly kind: "erased" }>,
): void {
  if (one.kind === "unknown") return terminal.stdout(`${name}: nothing of it is in the state`)
  terminal.stdout(`${name}: NOT erased: ${one.message} (${one.code})`)
  if (one.hint !== undefined) terminal.stdout(`  hint: ${one.hint}`)
  if (one.kind === "unproven")
    terminal.stdout(
      one.sessions === true
        ? "  its login is refused, and sessions may be open; outputs and state are as they were: " +
            "the same command ends these sessions"
        : "  it is unknown whether its login is dead; outputs and state are as they were: " +
            "the same command tries again",
    )
}
