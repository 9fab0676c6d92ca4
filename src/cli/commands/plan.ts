import { bitsBy } from "../../app/shape-in.ts"
import { AppError } from "../../base/error.ts"
import { present } from "../../base/present.ts"
import { leftEnvironments } from "../../check/left-environments.ts"
import { openStates } from "../../record/state-file.ts"
import { type Command, isSet, textOf } from "../command.ts"
import { bitsOf, mostDays, planOf } from "../environment-plan.ts"
import { exitCodes } from "../exit-codes.ts"
import { openToLook } from "../open-config.ts"
import { leftLines, linesOf } from "../plan-lines.ts"
import { selectionOf } from "../selection.ts"

export const plan: Command = {
  usage:
    "Says what would happen in the next days (30), when and why, if all goes well. Needs no key and " +
    "changes nothing.",
  options: { days: { type: "string", value: "N", summary: "how far to look ahead (30)" } },
  looks: true,
  run: async (terminal, args, values) => {
    const days = Number(textOf(values, "days") ?? "30")
    if (!(days > 0 && days <= mostDays))
      throw new AppError("usage", `--days takes a number of days, up to ${mostDays}`)
    const { config, plugins } = await openToLook(terminal, values)
    const now = terminal.host.now()
    await using folder = await openStates(config)
    const context = { config, folder, now, days, bits: bitsBy(plugins) }
    const plans = await Promise.all(
      [...selectionOf(config, args, { all: args.length === 0, tags: [] }).keys()].map(
        async (name) => ({ name, bits: bitsOf(context, name), ...(await planOf(context, name)) }),
      ),
    )
    // As in status: who asks for some is not told of all.
    const outside = args.length === 0 ? await leftEnvironments(config) : []
    const left = outside.filter(({ debts }) => debts.length > 0)
    if (isSet(values, "json"))
      terminal.stdout(
        JSON.stringify({
          days,
          environments: plans,
          ...present({ left: left.length === 0 ? undefined : left }),
        }),
      )
    else {
      for (const one of plans)
        for (const line of linesOf(config, one, now, days)) terminal.stdout(line)
      for (const one of left) for (const line of leftLines(one)) terminal.stdout(line)
    }
    return exitCodes.done
  },
}
