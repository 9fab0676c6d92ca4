import { become } from "./base/become.ts"
import { realHost } from "./base/host.ts"
import { main } from "./cli/main.ts"
import { printable } from "./cli/printable.ts"

// No file of ours is ever readable by others, not even those that libraries make.
const umask = process.umask(0o077)

const stop = new AbortController()
for (const name of ["SIGTERM", "SIGINT"] as const) {
  process.on(name, () => {
    // The second time it is meant: the journal makes any instant safe.
    if (stop.signal.aborted) process.exit(name === "SIGTERM" ? 143 : 130)
    stop.abort()
  })
}
// A reader that went away (`mycelium status | head`) ends the talk, not the work.
process.stdout.on("error", () => undefined)
process.stderr.on("error", () => undefined)

process.exitCode = await main(
  {
    host: realHost(process.env),
    out: (text) => void process.stdout.write(`${printable(text)}\n`),
    talk: (text) => void process.stderr.write(`${printable(text)}\n`),
    interactive: process.stderr.isTTY === true,
    variables: Object.keys(process.env),
    cwd: process.cwd(),
    pid: process.pid,
    uid: process.getuid?.() ?? 0,
    stop: stop.signal,
    onReload: (act) => void process.on("SIGHUP", act),
    become: async (argv, variables) => {
      // What was said must have left before the process is another.
      await new Promise((resolve) => process.stderr.write("", resolve))
      return become(argv, variables, { env: process.env, umask })
    },
  },
  process.argv.slice(2),
)
