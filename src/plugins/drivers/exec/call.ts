import type { z, ZodType } from "zod"
import { AppError } from "../../../base/error.ts"
import { changeableIn } from "../../../base/files/command-files.ts"
import { markVariable } from "../../../base/processes/marked-processes.ts"
import { pickEnvironment } from "../../../base/processes/pick-environment.ts"
import { failureOf, run, type RunResult } from "../../../base/processes/spawn.ts"
import type { PluginContext } from "../../../core/ports.ts"
import type { RunInHand } from "../../../core/run-mark.ts"
import { argvOf } from "../../hook-argv.ts"
import type { ExecOptions } from "./options.ts"
import { protocolVersion, tryLater, type Verb } from "./protocol.ts"

/** One program, and what this secret may use to call it. */
export type ExecTarget = {
  readonly options: ExecOptions
  readonly context: PluginContext
  readonly argv: readonly string[]
  /** For messages: the program's path. Its arguments may be long or private. */
  readonly program: string
  /** Names our calls among all processes, so that one that a crash left is found. */
  readonly mark: string
  readonly run: RunInHand
}

export function makeTarget(options: ExecOptions, context: PluginContext): ExecTarget {
  const argv = argvOf(options.command, context.folder)
  if (context.run === undefined)
    throw new AppError("internal", "a program is run by no run that has a mark")
  return {
    options,
    context,
    argv,
    program: argv[0] ?? "",
    mark: `exec ${context.label}#${context.run.id}`,
    run: context.run,
  }
}

export type Question<Answer extends ZodType> = {
  readonly verb: Verb
  readonly about: Readonly<Record<string, unknown>>
  readonly answer: Answer
}

/** An answer is a few words; what is longer is none. */
const longestAnswer = 16 * 1024
/** Beyond every deadline of the engine, whose signal ends the program earlier. */
const longestMs = 120_000

/**
 * Runs the program once: a document in, a document out. Nothing that it says is repeated, for it
 * may hold values.
 */
export async function call<Answer extends ZodType>(
  target: ExecTarget,
  question: Question<Answer>,
  signal: AbortSignal,
): Promise<z.output<Answer>> {
  const { options, context, argv } = target
  await refuseChangeable(target)
  const result = await run(argv, {
    cwd: context.folder,
    env: {
      ...pickEnvironment(["HOME", "LANG", "TZ"], (name) => context.host.env(name)),
      ...options.env,
      [markVariable]: target.mark,
    },
    stdin: await documentFor(target, question),
    timeoutMs: options.timeout ?? longestMs,
    signal,
  })
  const label = `${target.program} ${question.verb}`
  refuseFailure(label, result)
  return read(label, result.stdout, question.answer)
}

/** Anyone who can change the program has our rights, and the values. */
async function refuseChangeable({ argv, context }: ExecTarget): Promise<void> {
  const fault = await changeableIn({ argv, folder: context.folder })
  if (fault !== undefined)
    throw new AppError(
      "exec-program-open",
      `${fault.path} ${fault.message}, and it is given the values`,
      { hint: `${fault.remedy}, and look at what it holds` },
    )
}

/** `describe` is asked before anything is known to be right: it gets no values at all. */
async function documentFor(
  target: ExecTarget,
  { verb, about }: Question<ZodType>,
): Promise<string> {
  const { options, context } = target
  const head = { mycelium: protocolVersion, verb, secret: context.label, holds: options.holds }
  const document =
    verb === "describe" ? head : { ...head, ...about, credentials: await credentials(target) }
  return `${JSON.stringify(document)}\n`
}

/** Read anew at each call. */
export async function credentials({
  options,
  context,
}: ExecTarget): Promise<Readonly<Record<string, string>>> {
  const read: Record<string, string> = {}
  for (const [name, reference] of Object.entries(options.credentials))
    read[name] = (await context.credential(reference)).reveal()
  return read
}

function refuseFailure(label: string, result: RunResult): void {
  if (result.code === tryLater)
    throw new AppError("exec-later", `${label}: the program asks to be tried again later`, {
      remedy: "retry",
    })
  const failure = failureOf(label, result)
  if (failure === undefined) return
  if (failure.code === "program-timeout") throw failure
  if (result.signal !== undefined)
    throw new AppError("exec-killed", failure.message, { remedy: "retry" })
  throw new AppError("exec-failed", failure.message, {
    hint: "what it said is not repeated, for it may hold values: let the program keep a log of its own",
  })
}

function read<Answer extends ZodType>(
  label: string,
  text: string,
  schema: Answer,
): z.output<Answer> {
  if (Buffer.byteLength(text) > longestAnswer)
    throw unclear(label, `more than ${longestAnswer / 1024} KiB`)
  let answer: unknown
  try {
    answer = JSON.parse(text)
  } catch {
    // The parser's own error quotes what it was given.
    throw unclear(label, "something else than one JSON document")
  }
  if (typeof answer !== "object" || answer === null || !("mycelium" in answer))
    throw unclear(label, `a document without "mycelium": ${protocolVersion}`)
  if (answer.mycelium !== protocolVersion) {
    throw new AppError(
      "exec-protocol",
      `${label}: the program speaks another version of the protocol than ${protocolVersion}`,
      { hint: "bring the program, or this mycelium, up to date" },
    )
  }
  const parsed = schema.safeParse(answer)
  if (!parsed.success) throw unclear(label, "a document of another shape than this verb's")
  return parsed.data
}

function unclear(label: string, what: string): AppError {
  return new AppError("exec-unclear", `${label}: the program answered ${what}`, {
    hint: "what it said is not repeated; the page on drivers says what each verb answers",
  })
}
