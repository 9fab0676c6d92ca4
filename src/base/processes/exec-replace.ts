import { AppError, systemCode } from "../error.ts"

/** What the caller had before we changed it: the program that takes our place gets it back. */
export type Caller = {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly umask: number
}

/**
 * Puts a program in the place of this process (execve): the same process id, terminal and streams,
 * so that signals reach it and its exit code is ours, and no second process holds the values. Comes
 * back only by a throw.
 */
export function execReplace(
  argv: readonly string[],
  variables: Readonly<Record<string, string>>,
  caller: Caller,
): never {
  const [name = ""] = argv
  const env = { ...defined(caller.env), ...variables }
  const program = name.includes("/")
    ? name
    : Bun.which(name, { PATH: env["PATH"] ?? "/usr/bin:/bin" })
  if (name === "" || program === null)
    throw new AppError(
      "program-missing",
      `${name === "" ? "no program is named" : `${name} is not in the PATH`}`,
    )
  // A signal that is ignored stays ignored in the program, one that has a handler does not: the
  // runtime ignores these two.
  for (const signal of ["SIGPIPE", "SIGXFSZ"] as const) process.on(signal, () => undefined)
  // The runtime warns on stderr that this call is new.
  process.removeAllListeners("warning")
  const ours = process.umask(caller.umask)
  try {
    if (process.execve === undefined)
      throw new AppError("program-failed", "this system cannot put a program in our place")
    return process.execve(program, argv, env)
  } catch (error) {
    process.umask(ours)
    // The system's message quotes: only its code is passed on.
    throw error instanceof AppError ? error : failure(name, systemCode(error))
  }
}

function failure(name: string, code: string | undefined): AppError {
  if (code === "ENOENT")
    return new AppError("program-missing", `cannot run ${name}: it does not exist`, {
      hint: "check its path, and the interpreter in its first line",
    })
  return new AppError("program-failed", `cannot run ${name}: ${code ?? "unknown error"}`, {
    hint: hints[code ?? ""] ?? "see what the system says when you run it by hand",
  })
}

const hints: Readonly<Record<string, string>> = {
  EACCES:
    "it must be a file that this user may execute (chmod +x), on a file system that is not mounted noexec",
  ENOEXEC: "begin the script with #!, or name its interpreter",
  E2BIG: "its arguments and variables are too long together",
}

function defined(env: Caller["env"]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}
