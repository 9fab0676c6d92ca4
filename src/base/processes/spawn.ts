import type { ChildProcess } from "node:child_process"
import { existsSync } from "node:fs"
import { present } from "../present.ts"
import { CappedText } from "../text/capped-text.ts"
import { type CutOptions, cutOff, type Exit } from "./cut-off.ts"
import { AppError, systemCode } from "../error.ts"
import { forgetMark, liveMark, noteEnd, watcherOf } from "./live-marks.ts"
import { markVariable } from "./marked-processes.ts"

/**
 * The only place that starts programs: argument lists, an environment built anew, a session of
 * their own that ends as a whole. Bun.spawn's own `timeout` ends the first process only, and a
 * cancelled reader of its output keeps this process alive while a daemon holds the other end;
 * node's streams can be let go.
 */

export const safePath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

export type RunOptions = CutOptions & {
  readonly cwd?: string
  /** All that the program sees, besides PATH (`safePath` unless given here). */
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: Uint8Array | string
  /** How much of each stream is kept; 64 KiB if left out. */
  readonly keepBytes?: number
}
export type RunResult = Exit & {
  /** Its beginning. May hold values: never into a message. */
  readonly stdout: string
  readonly stderr: string
  /** We ended it: its time was over, or `signal` aborted. */
  readonly timedOut: boolean
  readonly aborted: boolean
}

const usualBytes = 64 * 1024
/**
 * How long the output is read on after the program ended: a daemon that it left may hold it open
 * for ever.
 */
const pipeGraceMs = 500

/**
 * Runs a program to its end. Throws only if it cannot be started: `program-missing`,
 * `program-failed`.
 */
export async function run(argv: readonly string[], options: RunOptions): Promise<RunResult> {
  if (options.signal?.aborted)
    return {
      code: undefined,
      signal: undefined,
      stdout: "",
      stderr: "",
      timedOut: false,
      aborted: true,
    }
  const child = await startMarked(argv, options)
  const exited = whenEnded(child)
  const stdout = read(child.stdout, options)
  const stderr = read(child.stderr, options)
  const cut = cutOff(child.pid, options)
  const exit = await Promise.race([exited, cut.gaveUp])
  const why = cut.stop()
  await cut.finished()
  await Promise.race([Promise.all([stdout.ended, stderr.ended]), Bun.sleep(pipeGraceMs)])
  const result = {
    ...exit,
    stdout: stdout.text(),
    stderr: stderr.text(),
    timedOut: why === "timeout",
    aborted: why === "abort",
  }
  letGo(child, stdout, stderr)
  return result
}

/**
 * The result as an error, if it is one: `program-timeout`, `program-failed`. Names the program,
 * never what it said.
 */
export function failureOf(program: string, result: RunResult): AppError | undefined {
  if (result.aborted)
    return new AppError("program-timeout", `${program} was ended before it was done`, {
      remedy: "retry",
    })
  if (result.timedOut)
    return new AppError("program-timeout", `${program} took too long and was ended`, {
      remedy: "retry",
    })
  if (result.signal !== undefined)
    return new AppError("program-failed", `${program} was ended by ${result.signal}`)
  if (result.code !== 0)
    return new AppError("program-failed", `${program} ended with code ${result.code}`)
  return undefined
}

/** A program with a mark is noted, here and by its watcher, from before its start to its end. */
async function startMarked(argv: readonly string[], options: RunOptions): Promise<ChildProcess> {
  const mark = options.env?.[markVariable]
  if (mark === undefined) return start(argv, options)
  const watcher = watcherOf(mark)
  liveMark(mark)
  watcher?.begins(mark)
  const child = await start(argv, options).catch((error: unknown) => {
    forgetMark(mark)
    watcher?.ended(mark, undefined)
    throw error
  })
  watcher?.started(mark, child.pid)
  void whenEnded(child).then(() => {
    noteEnd(mark)
    watcher?.ended(mark, child.pid)
  })
  return child
}

async function start(argv: readonly string[], options: RunOptions): Promise<ChildProcess> {
  const env = { PATH: safePath, ...options.env }
  const [name, ...rest] = argv
  if (name === undefined || name === "")
    throw new AppError("program-missing", "no program is named")
  const program = name.includes("/") ? name : Bun.which(name, { PATH: env.PATH, cwd: "/" })
  if (program === null)
    throw new AppError("program-missing", `${name} is not in the PATH that programs get`, {
      hint: `give its absolute path; PATH is ${env.PATH}`,
    })
  try {
    // Loaded with the first program: a command that starts none need not wait for it.
    const { spawn } = process.getBuiltinModule("node:child_process")
    const child = spawn(program, rest, {
      detached: true,
      shell: false,
      env,
      stdio: [options.stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      ...present({ cwd: options.cwd }),
    })
    await new Promise((resolve, reject) => {
      child.once("spawn", resolve)
      child.once("error", reject)
    })
    child.on("error", () => undefined)
    feed(child, options.stdin)
    return child
  } catch (error) {
    // The system's message may quote arguments: only its code is passed on.
    throw startError(name, options.cwd, systemCode(error))
  }
}

function startError(name: string, cwd: string | undefined, code: string | undefined): AppError {
  if (code === "ENOENT" && cwd !== undefined && !existsSync(cwd))
    return new AppError("program-missing", `cannot run ${name}: its folder ${cwd} does not exist`)
  if (code === "ENOENT")
    return new AppError("program-missing", `cannot run ${name}: it does not exist`, {
      hint: "check its path, and the interpreter in its first line",
    })
  const hint = startHints[code ?? ""]
  return new AppError(
    "program-failed",
    `cannot run ${name}: ${code ?? "unknown error"}`,
    hint === undefined ? {} : { hint },
  )
}

const startHints: Readonly<Record<string, string>> = {
  EACCES:
    "it must be a file that this user may execute (chmod +x), on a file system that is not mounted noexec",
  ENOEXEC: "begin the script with #!, or name its interpreter",
  EAGAIN: "this user has too many processes: raise the limit (ulimit -u)",
  EMFILE: "too many open files: raise the limit (ulimit -n)",
}

/** A program may end without reading its input: that is no error. */
function feed(child: ChildProcess, stdin: Uint8Array | string | undefined): void {
  child.stdin?.on("error", () => undefined)
  if (stdin !== undefined) child.stdin?.end(stdin)
}

function read(stream: ChildProcess["stdout"], { keepBytes = usualBytes }: RunOptions): CappedText {
  if (stream === null) throw new AppError("program-failed", "the program's output cannot be read")
  return new CappedText(stream, keepBytes)
}

function whenEnded(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    const end = (code: number | null, signal: string | null): void =>
      resolve({ code: code ?? undefined, signal: signal ?? undefined })
    if (child.exitCode !== null || child.signalCode !== null) end(child.exitCode, child.signalCode)
    else child.once("exit", end)
  })
}

/**
 * A stream that a daemon still holds is drained as long as we live, so that the daemon does not die
 * of a broken pipe; the stream does not keep us alive.
 */
function letGo(child: ChildProcess, stdout: CappedText, stderr: CappedText): void {
  child.stdin?.destroy()
  stdout.forget()
  stderr.forget()
  child.unref()
}
