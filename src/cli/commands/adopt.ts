import { adopt as takeOver } from "../../app/adopt.ts"
import { AppError } from "../../base/error.ts"
import { type Command, isSet } from "../command.ts"
import { exitCodes } from "../exit-codes.ts"
import { openApp } from "../open-app.ts"

export const adopt: Command = {
  usage: [
    "Takes over the values that exist: reads them from the outputs (backwards through the templates), logs in with each,",
    "and seals them into the state. Nothing outside is changed. Run it again after somebody has changed a password by hand.",
  ].join("\n"),
  options: {},
  run: async (terminal, args, values) => {
    const app = await openApp(terminal, values, "adopt")
    const [environment, more] = args
    if (environment === undefined || more !== undefined) throw new AppError("usage", "name one environment", { hint: `one of: ${Object.keys(app.config.environments).join(", ")}` })
    const results = await takeOver(app, environment)
    if (isSet(values, "json")) terminal.out(JSON.stringify({ environment, results }))
    else {
      for (const [name, result] of Object.entries(results)) {
        if (result.is === "adopted") terminal.out(`${environment}/${name}: adopted as ${result.version}: ${result.proof}`)
        else if (result.is === "known") terminal.out(`${environment}/${name}: known already, ${result.version}`)
        else {
          terminal.out(`${environment}/${name}: not adopted: ${result.says} (${result.code})`)
          if (result.hint !== undefined) terminal.out(`  hint: ${result.hint}`)
        }
      }
    }
    const refused = Object.values(results).filter((one) => one.is === "refused").length
    if (refused === 0) return exitCodes.done
    return refused === Object.keys(results).length ? exitCodes.failed : exitCodes.partly
  },
}
