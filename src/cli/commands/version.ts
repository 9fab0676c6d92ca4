import { type Command, isSet } from "../command.ts"
import { commitOfBinary, versionOfBinary } from "../version-of-binary.ts"

export const version: Command = {
  usage: "Prints the version of this binary and of its runtime.",
  options: {},
  instant: true,
  run: (terminal, _, values) => {
    const about = {
      version: versionOfBinary,
      commit: commitOfBinary,
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
