import { resolve } from "node:path"
import { AppError } from "../base/error.ts"
import type { Output, Values } from "../core/ports.ts"
import type { App } from "./app.ts"
import { withEnvironment } from "./environment.ts"
import { whenFree } from "./reading.ts"

export type ExecHow = {
  /** The name of the program that is given them, for the audit log. */
  readonly program: string
  /** The file of the one output whose variables are wanted; all outputs if left out. */
  readonly from?: string
}
export type Variables = Readonly<Record<string, string>>

/**
 * The variables that an environment's outputs would show now. A journal that a crash left is ended
 * first; the audit log says that they were read.
 */
export function variablesOf(app: App, environment: string, options: ExecHow): Promise<Variables> {
  return whenFree(app, () => read(app, environment, options))
}

function read(app: App, environment: string, options: ExecHow): Promise<Variables> {
  return withEnvironment(app, environment, async ({ session }) => {
    if (session.changeSet !== undefined)
      throw new AppError(
        "journal-open",
        `${environment}: a rotation is not finished yet, so which values are current is not known`,
        { hint: "see mycelium status" },
      )
    const values = await session.values(() => false)
    const outputs = chosen(environment, session.work.outputs, options.from, app.config.folder)
    refuseNew(environment, outputs, values)
    const undecided = outputs.flatMap(({ shows }) => shows).find((name) => session.isOpen(name))
    if (undecided !== undefined)
      throw new AppError(
        "journal-open",
        `${environment}/${undecided}: a rotation is not finished yet, so which value is current is not known`,
        { hint: "see mycelium status" },
      )
    const variables = await collect(outputs, values)
    // Written down before a value is handed out.
    await session.commit({
      events: [
        {
          event: "exec",
          program: options.program,
          secrets: [...new Set(outputs.flatMap(({ shows }) => shows))],
        },
      ],
      flush: true,
    })
    return variables
  })
}

function chosen(
  environment: string,
  all: readonly Output[],
  from: string | undefined,
  folder: string,
): readonly Output[] {
  const able = all.filter((output) => output.variables !== undefined)
  const outputs =
    from === undefined ? able : able.filter(({ target }) => target === resolve(folder, from))
  if (outputs.length > 0) return outputs
  const message =
    from === undefined
      ? `no output of ${environment} shows variables`
      : `no output of ${environment} shows variables in that file`
  throw new AppError("usage", message, {
    hint:
      able.length === 0
        ? "exec takes them from outputs of the kind dotenv"
        : `--from takes one of: ${able.map(({ target }) => target).join(", ")}`,
  })
}

function refuseNew(environment: string, outputs: readonly Output[], values: Values): void {
  const without = outputs.flatMap(({ shows }) => shows).find((name) => values[name] === undefined)
  if (without === undefined) return
  throw new AppError("secret-new", `${environment}/${without} has no value that mycelium knows`, {
    hint:
      "adopt the value that exists, make a first one with rotate-now --new, " +
      "or take another output with --from FILE",
  })
}

/** Two files may say different things under one name; a program can be given only one of them. */
async function collect(outputs: readonly Output[], values: Values): Promise<Variables> {
  const all: Record<string, string> = {}
  const from: Record<string, string> = {}
  for (const output of outputs) {
    for (const [name, value] of Object.entries((await output.variables?.(values)) ?? {})) {
      if (all[name] !== undefined && all[name] !== value)
        throw new AppError(
          "exec-conflict",
          `${from[name]} and ${output.target} show different values of ${name}`,
          { hint: "choose one of the files with --from FILE" },
        )
      all[name] = value
      from[name] = output.target
    }
  }
  return all
}
