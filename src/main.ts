import { writeSync } from "node:fs"
import { become } from "./base/become.ts"
import { lastWords, stopWithinMs } from "./base/last-words.ts"
import { realHost } from "./base/host.ts"
import { runsMarked } from "./base/spawn.ts"
import { ignoresHangup } from "./base/signals.ts"
import { exitCodes } from "./cli/exit-codes.ts"
import { main } from "./cli/main.ts"
import { printable } from "./cli/printable.ts"

// No file of ours is ever readable by others, not even those that libraries make.
const umask = process.umask(0o077)

const stop = new AbortController()
const signals = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const
type Signal = keyof typeof signals
/** timeout(1), sudo and shells pass on what the terminal has sent already (ms): that is one request. */
const sameMs = 250
let askedAt: number | undefined
let reload: (() => void) | undefined

function ask(name: Signal): void {
  if (askedAt === undefined) {
    askedAt = performance.now()
    setTimeout(
      () => endNow(`interrupted after ${stopWithinMs / 1000} s`, 128 + signals[name]),
      stopWithinMs,
    ).unref()
    stop.abort()
    return
  }
  // The second time it is meant. A terminal that closes says so more than once, and means nothing by it.
  if (name !== "SIGHUP" && performance.now() - askedAt >= sameMs)
    endNow("ended at once", 128 + signals[name])
}

/** In the middle: the journal makes any instant safe, and who is cut off until it is gone on with is said before. */
function endNow(why: string, code: number, ifCutOff: number = exitCodes.person): never {
  const { lines, cutOff } = lastWords()
  sayNow(`mycelium: ${why}`)
  for (const line of lines) sayNow(`  ${line}`)
  if (runsMarked(() => true))
    sayNow(
      "  a program that was begun goes on by itself: the next run waits for its end, or ends it",
    )
  if (lines.length > 0) sayNow("  hint: run the same command again: it finishes what was begun")
  process.exit(cutOff ? ifCutOff : code)
}

/** Before the process goes, whatever else waits to be written. */
function sayNow(text: string): void {
  const bytes = Buffer.from(`${printable(text)}\n`)
  for (let from = 0, tries = 0; from < bytes.length && tries < 100; tries++) {
    try {
      from += writeSync(2, bytes, from)
    } catch (error) {
      // A full pipe: its reader may be about to read. Any other: nobody is there to hear it.
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) return
      Bun.sleepSync(1)
    }
  }
}

for (const name of ["SIGTERM", "SIGINT"] as const) process.on(name, () => ask(name))
// A closed terminal is a request to stop, unless it was said (nohup) that it is none.
if (!ignoresHangup()) process.on("SIGHUP", () => (reload === undefined ? ask("SIGHUP") : reload()))
// A service manager starts what has failed again, which finishes what was begun; it does not where a person is needed.
for (const event of ["uncaughtException", "unhandledRejection"] as const)
  process.on(event, () =>
    endNow("an unexpected error inside mycelium", exitCodes.failed, exitCodes.failed),
  )
// A reader that went away (`mycelium status | head`) ends the talk, not the work.
process.stdout.on("error", () => undefined)
process.stderr.on("error", () => undefined)

const code = await main(
  {
    host: realHost(process.env),
    out: (text) => void process.stdout.write(`${printable(text)}\n`),
    talk: (text) => void process.stderr.write(`${printable(text)}\n`),
    interactive: process.stderr.isTTY === true,
    columns: () => process.stdout.columns as number | undefined,
    variables: Object.keys(process.env),
    cwd: process.cwd(),
    pid: process.pid,
    uid: process.getuid?.() ?? 0,
    stop: stop.signal,
    onReload: (act) => {
      reload = act
      if (ignoresHangup()) process.on("SIGHUP", act)
    },
    become: async (argv, variables) => {
      // What was said must have left before the process is another.
      await new Promise((resolve) => process.stderr.write("", resolve))
      return become(argv, variables, { env: process.env, umask })
    },
  },
  process.argv.slice(2),
)
// Whatever became of the command: who is left cut off needs a person, or the same command again.
process.exitCode = lastWords().cutOff ? exitCodes.person : code
if (stop.signal.aborted) {
  // What was not waited for any longer (a pipe without a writer, a server) must not keep us. What was said must have left.
  for (const stream of [process.stdout, process.stderr])
    await new Promise((resolve) => stream.write("", resolve))
  process.exit()
}
