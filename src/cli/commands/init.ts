import { resolve } from "node:path"
import { init as make } from "../../app/init.ts"
import { type Command, isSet, textOf } from "../command.ts"
import { exitCodes } from "../exit-codes.ts"

export const init: Command = {
  usage: "Makes what is missing: this machine's identity, and a config (./mycelium.yaml, or --config). Keeps what exists.",
  options: {},
  run: async (terminal, _, values) => {
    const path = resolve(terminal.cwd, textOf(values, "config") ?? "mycelium.yaml")
    const made = await make(terminal.host, terminal.cwd, path)
    if (isSet(values, "json")) terminal.out(JSON.stringify(made))
    else for (const one of made) terminal.out(`${one.made ? "made" : "kept"} ${one.path}: ${one.about}`)
    if (!isSet(values, "json") && made.some((one) => one.made)) terminal.talk("next: edit the config, then mycelium adopt production (values that exist) or mycelium rotate-now production --new (first values)")
    return exitCodes.done
  },
}
