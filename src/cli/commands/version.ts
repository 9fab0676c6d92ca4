import { type Command, isSet } from "../command.ts"

/** Set by the build; a run from source says so. */
declare const MYCELIUM_VERSION: string | undefined
declare const MYCELIUM_COMMIT: string | undefined

export const version: Command = {
  usage: "Prints the version of this binary and of its runtime.",
  options: {},
  instant: true,
  run: (terminal, _, values) => {
    const about = {
      version: typeof MYCELIUM_VERSION === "string" ? MYCELIUM_VERSION : "source",
      commit: typeof MYCELIUM_COMMIT === "string" ? MYCELIUM_COMMIT : "",
      bun: Bun.version,
    }
    terminal.stdout(
      isSet(values, "json")
        ? JSON.stringify(about)
        : `mycelium ${about.version}${about.commit === "" ? "" : ` (${about.commit})`}, bun ${about.bun}`,
    )
    return Promise.resolve(0)
  },
}
