import { formatDuration } from "./base/text/duration.ts"
import { lastWords, sayAgain, stopWithinMs } from "./base/processes/last-words.ts"
import { hasLateRead, runsMarked } from "./base/processes/live-marks.ts"
import { realHost } from "./base/system/host.ts"
import { exitCodes } from "./cli/exit-codes.ts"
import { main } from "./cli/main.ts"
import { printable } from "./cli/printable.ts"
import { Writer } from "./cli/writer.ts"

// Each start loads only what is imported above: no module of Node's, for each takes a millisecond or
// more.

// No file that this process makes is ever readable by others, not even those of libraries.
const umask = process.umask(0o077)

const stop = new AbortController()
const signals = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const
type Signal = keyof typeof signals
/**
 * timeout(1), sudo and shells pass on a signal that the terminal has sent already: two within this
 * time (ms) are one request.
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
  // A second request ends at once. A terminal that closes sends more than one: those do not count.
  if (name !== "SIGHUP" && performance.now() - askedAt >= sameMs)
    endNow("ended at once", 128 + signals[name])
}

/**
 * Ends in the middle: the journal makes any instant safe. First it says which programs are cut off
 * until the next run.
 */
function endNow(why: string, code: number, ifCutOff: number = exitCodes.person): never {
  const { lines, hints, cutOff } = lastWords()
  sayNow(`mycelium: ${why}`)
  for (const line of lines) sayNow(`  ${line}`)
  if (runsMarked(() => true))
    sayNow(
      "  a program that was begun goes on by itself: the next run waits for its end, or ends it",
    )
  for (const hint of hints(sayAgain())) sayNow(`  hint: ${hint}`)
  process.exit(cutOff ? ifCutOff : code)
}

/** Written before the process ends, whatever else waits to be written. */
function sayNow(text: string): void {
  const { writeSync } = process.getBuiltinModule("node:fs")
  const bytes = Buffer.from(`${printable(text)}\n`)
  for (let from = 0, tries = 0; from < bytes.length && tries < 100; tries++) {
    try {
      from += writeSync(2, bytes, from)
    } catch (error) {
      // A full pipe: its reader may be about to read. Any other fault: there is no reader.
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) return
      Bun.sleepSync(1)
    }
  }
}

for (const name of ["SIGTERM", "SIGINT"] as const) process.on(name, () => ask(name))
// 1 and not 7: a service manager then starts the service again, which finishes what was begun.
for (const event of ["uncaughtException", "unhandledRejection"] as const)
  process.on(event, () =>
    endNow("an unexpected error inside mycelium", exitCodes.failed, exitCodes.failed),
  )
/** A closed terminal is a request to stop, except under nohup. */
async function heedHangup(): Promise<void> {
  const { ignoresHangup } = await import("./base/processes/signals.ts")
  nohup = ignoresHangup()
  if (!nohup) process.on("SIGHUP", () => (reload === undefined ? ask("SIGHUP") : reload()))
}

const [stdout, stderr] = [new Writer(Bun.stdout), new Writer(Bun.stderr)]
const code = await main(
  {
    host: realHost(process.env),
    stdout: (text) => stdout.write(`${printable(text)}\n`),
    stderr: (text) => stderr.write(`${printable(text)}\n`),
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
      await stderr.drain()
      return execReplace(argv, variables, { env: process.env, umask })
    },
  },
  process.argv.slice(2),
)
// Whatever became of the command: a program that is left cut off needs a person, or another run.
process.exitCode = lastWords().cutOff ? exitCodes.person : code
if (stop.signal.aborted || hasLateRead()) {
  // What was not waited for any longer (a pipe without a writer, a server) must not keep us. What
  // was said must have left.
  for (const writer of [stdout, stderr]) await writer.drain()
  process.exit()
}
