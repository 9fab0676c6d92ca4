import { basename } from "node:path"
import { variablesOf } from "../../app/exec.ts"
import { AppError } from "../../base/error.ts"
import { present } from "../../base/present.ts"
import { type Command, type Terminal, textOf } from "../command.ts"
import { withEndedFirst } from "../ended-first.ts"
import { exitCodes } from "../exit-codes.ts"
import { openApp } from "../open-app.ts"

export const exec: Command = {
  usage: [
    "Runs a program with the variables that the environment's outputs show, added to your own. Reads and",
    "writes no file. The program replaces mycelium: terminal, signals and exit code are its own.",
    "A program that a rotation restarts should read its file instead: during a rotation the environment",
    "is locked, and after 5 seconds this command ends with 6.",
  ].join("\n"),
  options: {
    from: {
      type: "string",
      value: "FILE",
      summary: "only the variables of the output that writes this file",
    },
  },
  passes: true,
  run: withEndedFirst(
    (first) =>
      async (terminal, args, values, command = []) => {
        const [environment, more] = args
        const [program] = command
        if (environment === undefined || more !== undefined || program === undefined) {
          throw new AppError(
            "usage",
            "name one environment, then, after --, the program with its arguments",
            { hint: "mycelium exec production -- psql -c 'select 1'" },
          )
        }
        const app = first.heard(await openApp(terminal, values, "exec"))
        const from = textOf(values, "from")
        const variables = await variablesOf(app, environment, {
          program: basename(program).slice(0, 64),
          ...present({ from }),
        })
        if (terminal.stop.aborted)
          throw new AppError("stopped", "interrupted before the program was started", {
            remedy: "retry",
          })
        // The program has the terminal next, and its exit code is its own.
        first.say(terminal.stderr, exitCodes.done)
        return execReplace(terminal, command, variables)
      },
    { beside: true },
  ),
}

/** As a shell does: 127 if there is no such program, 126 if it cannot be run. */
async function execReplace(
  terminal: Terminal,
  command: readonly string[],
  variables: Readonly<Record<string, string>>,
): Promise<number> {
  if (terminal.execReplace === undefined)
    throw new AppError("internal", "there is no process to give away")
  try {
    return await terminal.execReplace(command, variables)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    terminal.stderr(`mycelium: ${error.message}`)
    if (error.hint !== undefined) terminal.stderr(`  hint: ${error.hint}`)
    return error.code === "program-missing" ? 127 : 126
  }
}
