import { resolve } from "node:path"
import { z } from "zod"
import type { HookContext } from "../core/define.ts"
import { once } from "../core/once.ts"
import { pickEnvironment } from "../base/processes/pick-environment.ts"

/**
 * How a config names a program that we run: a list of arguments, or, only if it says `shell: true`,
 * a line for the shell.
 */

const noNul = (text: string): boolean => !text.includes("\0")
const Text = () => z.string().refine(noNul, "no NUL character can stand in an argument")
const Program = () =>
  Text()
    .min(1, "the program's name is empty")
    .refine(
      (text) => !text.startsWith("-"),
      "the first item is the program; it cannot begin with a dash",
    )

export const Argv = once(() =>
  z.tuple([Program()], Text(), {
    error:
      'expected a list: [program, argument, …]; for a shell line write { run: "…", shell: true }',
  }),
)
const Listed = () => z.strictObject({ run: Argv(), shell: z.literal(false).optional() })
const Shell = () =>
  z.strictObject({
    run: Text()
      .min(1, "the shell line is empty")
      .meta({
        title: "list; with shell: true, text",
        description: "The program and its arguments, or a line for /bin/sh",
        examples: ["cd /srv/shop && ./restart"],
      }),
    shell: z.literal(true).meta({ description: "Give the line to /bin/sh", examples: [true] }),
  })

export const Command = once(() =>
  z
    .union([Argv(), Listed(), Shell()], {
      error:
        "expected a list [program, argument, …], { run: [program, argument, …] } or { run: " +
        '"a shell line", shell: true }',
    })
    .meta({
      title: "command",
      examples: [["./restart"], { run: "cd /srv/shop && ./restart", shell: true }],
    }),
)

export type Command = z.output<ReturnType<typeof Command>>

/** The argument list to run; a relative path of a program is relative to the config. */
export function argvOf(command: Command, folder: string): readonly string[] {
  if ("shell" in command && command.shell === true) return ["/bin/sh", "-c", command.run]
  const [program, ...rest] = "run" in command ? command.run : command
  return [program.includes("/") ? resolve(folder, program) : program, ...rest]
}

/** For people and for messages: the program only, for arguments may be long or private. */
export function programOf(command: Command, folder: string): string {
  return "shell" in command && command.shell === true
    ? "a shell line"
    : (argvOf(command, folder)[0] ?? "")
}

/** What each hook may see of our environment. */
export function hookEnvironment(
  context: HookContext,
  more: readonly string[] = [],
): Record<string, string> {
  return pickEnvironment(["HOME", "LANG", "TZ", ...more], context.env)
}

/** What finds Docker's engine; a program that asks it gets these, too. */
export const dockerVariables = [
  "DOCKER_HOST",
  "DOCKER_CONFIG",
  "DOCKER_CONTEXT",
  "DOCKER_CERT_PATH",
  "DOCKER_TLS_VERIFY",
  "XDG_RUNTIME_DIR",
]
