import { readFileSync } from "node:fs"

/**
 * Reads a log of `strace -f -y`: every call with the instants at which it was entered and at which
 * it returned.
 */

export type Call = {
  readonly pid: number
  /** The name of the thread ("Bun Pool 0"), with `-Y`; "" without. */
  readonly thread: string
  readonly name: string
  readonly args: string
  /** What it returned ("0", "-1 ENOENT (…)"); undefined where the process did not live to see it. */
  readonly result: string | undefined
  /** Positions in the log: a call returned before another was entered if its `returned` is the smaller. */
  readonly entered: number
  readonly returned: number
}

type Open = {
  readonly thread: string
  readonly name: string
  readonly args: string
  readonly entered: number
}

export function readStrace(path: string): readonly Call[] {
  const calls: Call[] = []
  const open = new Map<number, Open>()
  readFileSync(path, "latin1")
    .split("\n")
    .forEach((line, at) => {
      const [, id = "", thread = "", rest = ""] = /^(\d+)(?:<([^>]*)>)?\s+(.*)$/s.exec(line) ?? []
      const pid = Number(id)
      const resumed = /^<\.\.\. (\w+) resumed>(.*)$/s.exec(rest)
      const begun = open.get(pid)
      if (resumed !== null && begun !== undefined) {
        open.delete(pid)
        const [args, result] = split(`${begun.args}${resumed[2] ?? ""}`)
        calls.push({
          pid,
          thread,
          name: begun.name,
          args,
          result,
          entered: begun.entered,
          returned: at,
        })
        return
      }
      const [, name, tail = ""] = /^(\w+)\((.*)$/s.exec(rest) ?? []
      if (name === undefined) return
      if (tail.endsWith("<unfinished ...>"))
        open.set(pid, {
          thread,
          name,
          args: tail.slice(0, -"<unfinished ...>".length).trimEnd(),
          entered: at,
        })
      else {
        const [args, result] = split(tail)
        calls.push({ pid, thread, name, args, result, entered: at, returned: at })
      }
    })
  for (const [pid, begun] of open)
    calls.push({ pid, ...begun, result: undefined, returned: Number.POSITIVE_INFINITY })
  return calls.sort((one, other) => one.entered - other.entered)
}

/** `args) = result`; a call that its process did not survive has "?" for a result. */
function split(text: string): readonly [string, string | undefined] {
  const end = [...text.matchAll(/\)\s+= /g)].at(-1)
  if (end === undefined) return [text, undefined]
  const result = text.slice(end.index + end[0].length)
  return [text.slice(0, end.index), result.startsWith("?") ? undefined : result]
}

/** The threads of the first process in the log; what it starts with fork or vfork is another process. */
export function threadsOf(calls: readonly Call[]): ReadonlySet<number> {
  const threads = new Set<number>()
  const [first] = calls
  if (first !== undefined) threads.add(first.pid)
  for (const { pid, name, args, result } of calls) {
    if (!threads.has(pid) || !/^clone3?$/.test(name) || !args.includes("CLONE_THREAD")) continue
    threads.add(Number.parseInt(result ?? "", 10))
  }
  return threads
}

/** The file behind a descriptor or in an argument, as `-y` prints it: `9</srv/.env>`, `"/srv/.env"`. */
export function pathsIn(args: string): readonly string[] {
  return [...args.matchAll(/\d+<([^>]*)>|"([^"]*)"/g)].map((match) => match[1] ?? match[2] ?? "")
}
