import { formatDuration } from "./base/text/duration.ts"
import { lastWords, stopWithinMs } from "./base/processes/last-words.ts"
import { hasLateRead, runsMarked } from "./base/processes/live-marks.ts"
import { realHost } from "./base/system/host.ts"
import { exitCodes } from "./cli/exit-codes.ts"
import { main } from "./cli/main.ts"
import { printable } from "./cli/printable.ts"
import { Writer } from "./cli/writer.ts"

// What stands above is all that each start loads: no module of Node's, of which each takes a
// millisecond or more.

// No file of ours is ever readable by others, not even those that libraries make.
const umask = process.umask(0o077)

const stop = new AbortController()
const signals = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const
type Signal = keyof typeof signals
/**
 * timeout(1), sudo and shells pass on what the terminal has sent already (ms): that is one request.
 */
const sameMs = 250
let askedAt: number | undefined
let reload: (() => void) | undefined
let nohup = false

function ask(name: Signal): void {
  if (askedAt === undefined) {
    askedAt = performance.now()
    setTimeout(
      () => endNow(`interrupted after ${formatDuration(stopWithinMs)}`, 128 + signals[name]),
      stopWithinMs,
    ).unref()
    stop.abort()
    return
  }
  // The second time it is meant. A terminal that closes says so more than once, and means nothing
  // by it.
  if (name !== "SIGHUP" && performance.now() - askedAt >= sameMs)
    endNow("ended at once", 128 + signals[name])
}

/**
 * In the middle: the journal makes any instant safe, and who is cut off until it is gone on with is
 * said before.
 */
function endNow(why: string, code: number, ifCutOff: number = exitCodes.person): never {
  const { lines, hints, cutOff } = lastWords()
  sayNow(`mycelium: ${why}`)
  for (const line of lines) sayNow(`  ${line}`)
  if (runsMarked(() => true))
    sayNow(
      "  a program that was begun goes on by itself: the next run waits for its end, or ends it",
    )
  for (const hint of hints("run the same command again: it finishes what was begun"))
    sayNow(`  hint: ${hint}`)
  process.exit(cutOff ? ifCutOff : code)
}

/** Before the process goes, whatever else waits to be written. */
function sayNow(text: string): void {
  const { writeSync } = process.getBuiltinModule("node:fs")
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
// A service manager starts what has failed again, which finishes what was begun; it does not where
// a person is needed.
for (const event of ["uncaughtException", "unhandledRejection"] as const)
  process.on(event, () =>
    endNow("an unexpected error inside mycelium", exitCodes.failed, exitCodes.failed),
  )
/** A closed terminal is a request to stop, unless it was said (nohup) that it is none. */
async function heedHangup(): Promise<void> {
  const { ignoresHangup } = await import("./base/processes/signals.ts")
  nohup = ignoresHangup()
  if (!nohup) process.on("SIGHUP", () => (reload === undefined ? ask("SIGHUP") : reload()))
}

const [out, talk] = [new Writer(Bun.stdout), new Writer(Bun.stderr)]
const code = await main(
  {
    host: realHost(process.env),
    stdout: (text) => out.write(`${printable(text)}\n`),
    stderr: (text) => talk.write(`${printable(text)}\n`),
    interactive: () => process.getBuiltinModule("node:tty").isatty(2),
    columns: () => {
      const { isatty, WriteStream } = process.getBuiltinModule("node:tty")
      return isatty(1) ? new WriteStream(1).columns : undefined
    },
    variables: Object.keys(process.env),
    cwd: process.cwd(),
    pid: process.pid,
    uid: process.getuid?.() ?? 0,
    stop: stop.signal,
    onReload: (act) => {
      reload = act
      if (nohup) process.on("SIGHUP", act)
    },
    begin: heedHangup,
    execReplace: async (argv, variables) => {
      const { execReplace } = await import("./base/processes/exec-replace.ts")
      // What was said must have left before the process is another.
      await talk.drain()
      return execReplace(argv, variables, { env: process.env, umask })
    },
  },
  process.argv.slice(2),
)
// Whatever became of the command: who is left cut off needs a person, or the same command again.
process.exitCode = lastWords().cutOff ? exitCodes.person : code
if (stop.signal.aborted || hasLateRead()) {
  // What was not waited for any longer (a pipe without a writer, a server) must not keep us. What
  // was said must have left.
  for (const writer of [out, talk]) await writer.drain()
  process.exit()
}
