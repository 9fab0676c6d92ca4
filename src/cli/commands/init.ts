import { resolve } from "node:path"
import { init as make } from "../../app/init.ts"
import { storeFolder } from "../../config/store.ts"
import { AppError } from "../../base/error.ts"
import { type Command, type Terminal, isSet, textOf } from "../command.ts"
import { exitCodes } from "../exit-codes.ts"

export const init: Command = {
  usage:
    "Makes what is missing: this machine's identity, and a config (./mycelium.yaml, or --config). Keeps what exists, and refuses an identity, a new one or one that is there, beside a store that another one has sealed.",
  options: {
    "postgres-pair": {
      type: "string",
      value: "NAME",
      says: "only print the SQL and the config lines for a pair of PostgreSQL roles: NAME_blue, NAME_green",
    },
    from: {
      type: "string",
      value: "ROLE",
      says: "with --postgres-pair: the way from a role that programs log in as now, which keeps what it owns",
    },
  },
  run: async (terminal, _, values) => {
    const pair = textOf(values, "postgres-pair")
    if (pair !== undefined)
      return printPair(
        terminal,
        { name: pair, from: textOf(values, "from") },
        isSet(values, "json"),
      )
    if (textOf(values, "from") !== undefined)
      throw new AppError("usage", "--from belongs to --postgres-pair", {
        hint: "mycelium init --postgres-pair shop --from shop",
      })
    const path = resolve(terminal.cwd, textOf(values, "config") ?? "mycelium.yaml")
    const made = await make(terminal.host, {
      folder: terminal.cwd,
      configPath: path,
      ...(await storeOf(terminal, path)),
    })
    if (isSet(values, "json")) terminal.out(JSON.stringify(made))
    else
      for (const one of made)
        terminal.out(`${one.made ? "made" : "kept"} ${one.path}: ${one.about}`)
    if (!isSet(values, "json") && made.some((one) => one.made))
      terminal.talk(
        "next: edit the config, then mycelium adopt production (values that exist) or mycelium rotate-now production --new (first values)",
      )
    return exitCodes.done
  },
}

/** As the config that is there says; where there is none, or none that can be read: the usual one. */
async function storeOf(
  terminal: Terminal,
  path: string,
): Promise<{ readonly store: string; readonly elsewhere: boolean }> {
  const { openConfig } = await import("../open-config.ts")
  return openConfig(terminal, { config: path }).then(
    ({ store, identity }) => ({ store, elsewhere: identity !== undefined }),
    () => ({ store: storeFolder(undefined, terminal.cwd, terminal.host.env), elsewhere: false }),
  )
}

/** To read, or to pipe into psql. Makes nothing. */
async function printPair(
  terminal: Terminal,
  { name, from }: { readonly name: string; readonly from: string | undefined },
  json: boolean,
): Promise<number> {
  const { postgresPair, scriptOf } = await import("./postgres-pair.ts")
  const text = postgresPair(name, from)
  terminal.out(json ? JSON.stringify(text) : scriptOf(text))
  return exitCodes.done
}
