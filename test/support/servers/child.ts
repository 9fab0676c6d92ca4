import { closeSync, openSync, readFileSync } from "node:fs"
import { account } from "./account.ts"
import { until } from "./until.ts"

/** A server as our own child: we hold its process id, and it does not outlive the test. */
export type Child = {
  readonly pid: number
  ended(): boolean
  /** To the server and, with `all`, to the processes it has made: a server that hangs entirely. */
  signal(name: NodeJS.Signals, context?: "all"): void
  /** Ends it with this signal, or for good if that takes too long. */
  stop(name: NodeJS.Signals): Promise<void>
}
export type Command = {
  /** The kernel sends it should we die without having stopped the server: PostgreSQL tidies up after QUIT. */
  readonly ifOrphaned: "QUIT" | "KILL"
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly folder: string
  /** What it prints is appended here. */
  readonly log: string
}

/** An environment of its own: a PGPORT or a locale of the machine would be noticed only elsewhere. */
const surroundings = { PATH: "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", LC_ALL: "C" }

export function startChild(command: Command): Child {
  const log = openSync(command.log, "a", 0o600)
  const child = Bun.spawn([...asAccount(command.ifOrphaned), ...command.argv], {
    cwd: command.folder,
    env: { ...surroundings, ...command.env },
    stdio: ["ignore", log, log],
  })
  closeSync(log)
  return {
    pid: child.pid,
    ended: () => child.exitCode !== null || child.signalCode !== null,
    signal: (name, context) => {
      for (const pid of context === "all" ? [child.pid, ...childrenOf(child.pid)] : [child.pid])
        send(pid, name)
    },
    stop: async (name) => {
      for (const pid of [child.pid, ...childrenOf(child.pid)]) send(pid, "SIGCONT")
      child.kill(name)
      const late = setTimeout(() => child.kill("SIGKILL"), 15_000)
      await child.exited
      clearTimeout(late)
    },
  }
}

/** Runs a program of the server (initdb) to its end, as the account that the server will run as. */
export async function runToEnd(
  command: Omit<Command, "log" | "ifOrphaned"> & { readonly input?: string },
): Promise<void> {
  const child = Bun.spawn([...asAccount("KILL"), ...command.argv], {
    cwd: command.folder,
    env: { ...surroundings, ...command.env },
    stdio: [command.input === undefined ? "ignore" : Buffer.from(command.input), "pipe", "pipe"],
  })
  const [out, err, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ])
  if (code !== 0) throw new Error(`${command.argv[0]} ended with ${code}: ${out}${err}`)
}

function asAccount(signal: Command["ifOrphaned"]): readonly string[] {
  const drop =
    account === undefined
      ? []
      : [`--reuid=${account.uid}`, `--regid=${account.gid}`, "--clear-groups"]
  return ["setpriv", ...drop, `--pdeathsig=${signal}`, "--"]
}

function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
      .split(" ")
      .filter(Boolean)
      .map(Number)
  } catch {
    return [] // it is gone
  }
}

function send(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // it is gone
  }
}

/** Waits until `ask` answers; fails at once, with the log, if the server ends first. */
export async function untilReady(
  child: Child,
  command: Command,
  ask: () => Promise<boolean>,
): Promise<"ready" | "ended"> {
  const answers = async (): Promise<"ready" | "ended" | undefined> => {
    if (child.ended()) return "ended"
    return (await ask()) ? "ready" : undefined
  }
  // A server that cannot start ends; how long one takes that can is up to the load of the machine.
  return until(`${command.argv[0]} to answer`, answers, 180_000)
}
