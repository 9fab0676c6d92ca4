import { shownName } from "../../base/text/shown-name.ts"
import { type Rendered, render as write } from "../../repair/render.ts"
import { type Command, isSet } from "../command.ts"
import { withEndedFirst } from "../ended-first.ts"
import { exitCodes } from "../exit-codes.ts"
import { openApp } from "../open-app.ts"
import { selectionOf } from "../selection.ts"

export const render: Command = {
  usage:
    "Writes the outputs of an environment (without a name: of all) again from the current values. " +
    "Restarts nothing.",
  options: {
    prune: {
      type: "boolean",
      summary:
        "also remove lines of a merged .env, and files of a folder, that the config does not name and " +
        "whose whole value is one that mycelium made or took over",
    },
  },
  run: withEndedFirst((first) => async (terminal, args, values) => {
    const app = first.heard(await openApp(terminal, values, "render"))
    const all: Record<string, unknown> = {}
    for (const environment of selectionOf(app.config, args, {
      all: args.length === 0,
      tags: [],
    }).keys()) {
      const rendered = await write(app, environment, { prune: isSet(values, "prune") })
      all[environment] = rendered
      if (isSet(values, "json")) continue
      for (const one of rendered)
        terminal.stdout(`${environment}: ${one.target}: ${sayRendered(environment, one)}`)
      const stale = [...new Set(rendered.flatMap((one) => one.stale ?? []))]
      const waiting = [...new Set(rendered.flatMap(({ restart = [] }) => restart))].filter(
        (name) => !stale.includes(name),
      )
      if (waiting.length > 0) terminal.stdout(restartLine(environment, waiting))
      if (stale.length > 0) terminal.stdout(staleLine(environment, stale))
    }
    if (isSet(values, "json")) terminal.stdout(JSON.stringify(all))
    return exitCodes.done
  }),
}

function sayRendered(environment: string, { changes, pruned, waits }: Rendered): string {
  if (waits !== undefined)
    return (
      `not written for ${waits.join(", ")}, which ${waits.length === 1 ? "has" : "have"} no ` +
      `value yet (mycelium adopt ${environment}, or rotate-now --new)`
    )
  if (pruned === true) return `taken away: ${changes?.map(shownName).join(", ") ?? ""}`
  if (changes === undefined) return "unchanged"
  return changes.length === 0 ? "written" : `written: ${changes.join(", ")}`
}

/** `render` restarts nothing, so what was owed before stays owed. */
function restartLine(environment: string, programs: readonly string[]): string {
  const names = programs.map((name) => `${environment}/${name}`).join(", ")
  const [were, read, file, them] =
    programs.length === 1
      ? ["was", "it reads", "its file", "it"]
      : ["were", "they read", "their file", "them"]
  return (
    `  ${names} ${were} not restarted since a containment changed what ${read} (a restart ` +
    `failed, or ${file} could not be written), and may hold the old value: ` +
    `the same containment again, or mycelium run, restarts ${them} (mycelium explain ` +
    "output-owed)"
  )
}

/** The file showed an older value: a program that was started meanwhile holds that. */
function staleLine(environment: string, programs: readonly string[]): string {
  const names = programs.map((name) => `${environment}/${name}`).join(", ")
  const them = programs.length === 1 ? "it" : "them"
  return (
    `  an older value stood in a file of ${names}, and may still be held there: ` +
    `mycelium run, or run --once, restarts ${them} unless healthy (mycelium explain output-owed)`
  )
}
