import { resolve } from "node:path"
import { z } from "zod"
import { type Regular, readRegular } from "../../base/files/read-regular.ts"
import { isOurs } from "../../base/files/writers.ts"
import { AppError, describeError, systemCode } from "../../base/error.ts"
import { present } from "../../base/present.ts"
import { type ProcessHandle, openProcess } from "../../base/processes/process-handle.ts"
import { type ProcessId, isAlive, processIdOf } from "../../base/processes/process-session.ts"
import { defineRestarter } from "../../core/define.ts"
import type { Finding } from "../../core/ports.ts"

/**
 * Sends a signal to the process that a pid file names, where a program reads its settings again (or
 * ends and is started again).
 */

const names = ["HUP", "USR1", "USR2", "TERM", "INT"] as const
/** A program ends by these, and something else starts it again. */
const endings: ReadonlySet<string> = new Set(["TERM", "INT"])
const pollMs = 10

export const signal = defineRestarter({
  type: "signal",
  summary: "sends a signal to the process in a pid file",
  options: z.strictObject(
    {
      pid_file: z
        .string("expected the path of a pid file")
        .min(1, "the path is empty")
        .meta({ description: "The file that holds the process id", examples: ["/run/proxy.pid"] }),
      name: z.enum(names, `expected one of ${names.join(", ")}`).meta({
        description: "The signal to send; with TERM or INT the process must then end",
        examples: ["HUP"],
      }),
    },
    {
      error: (issue) =>
        issue.code === "invalid_type" ? "expected { pid_file: path, name: HUP }" : undefined,
    },
  ),
  open: (options, context) => {
    const path = resolve(context.folder, options.pid_file)
    return {
      label: `signal ${options.name} to the process in ${path}`,
      inspect: async () => ({
        findings: await foreignFindings(path),
        restarts: [],
        readers: [],
      }),
      restart: async (_mark, stop) => {
        const { pid, handle } = await processIn(path)
        try {
          if (stop.aborted) throw new AppError("stopped", "interrupted", { remedy: "retry" })
          const id = processIdOf(pid)
          send({ pid, handle }, `SIG${options.name}`, path)
          if (endings.has(options.name) && id !== undefined) await hasEnded(id, stop)
        } finally {
          handle.close()
        }
      },
    }
  },
})

/** While the old process still answers, its health says nothing of the one that replaces it. */
async function hasEnded(id: ProcessId, stop: AbortSignal): Promise<void> {
  while (isAlive(id)) {
    if (stop.aborted)
      throw failed(
        `process ${id.pid} has not ended since it was told to`,
        "name a signal that it reads its settings again by, such as HUP; or end it, and see why it stays",
      )
    await Bun.sleep(pollMs)
  }
}

/** Before any value exists; what else keeps the signal from being sent may be over by then. */
async function foreignFindings(path: string): Promise<readonly Finding[]> {
  try {
    const { handle } = await processIn(path)
    handle.close()
    return []
  } catch (error) {
    const { code, message, hint } = describeError(error)
    return code === "pid-file-foreign"
      ? [{ code, severity: "error", message, ...present({ remedy: hint }) }]
      : []
  }
}

type Found = { readonly pid: number; readonly handle: ProcessHandle }

/** The process that the file names, held so that no other one gets the signal. */
async function processIn(path: string): Promise<Found> {
  const file = await readRegular(path, 64)
  if (file === undefined)
    throw failed(
      `there is no pid file ${path}`,
      "is the program running, and does it write that file?",
    )
  const text = new TextDecoder().decode(file.bytes).trim()
  const pid = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : 0
  if (pid <= 1 || pid === process.pid)
    throw failed(
      `${path} does not hold the id of a process that may be signalled`,
      "it must hold one number above 1",
    )
  const handle = await openProcess(pid)
  try {
    refuseForeign(path, file, handle.uid())
  } catch (error) {
    handle.close()
    throw error
  }
  return { pid, handle }
}

/**
 * Who can write the file, or move another one onto its name, chooses whom we signal, with our
 * rights: so it must be a process that they could signal themselves.
 */
function refuseForeign(path: string, { stats, keeper }: Regular, uid: number | undefined): void {
  if ((stats.mode & 0o022) !== 0)
    throw failed(`${path} can be written by others than its owner`, `chmod go-w ${path}`)
  const trusted = [0, process.geteuid?.(), uid]
  if (!trusted.includes(stats.uid))
    throw failed(
      `${path} belongs to a user who could not signal that process`,
      "its owner must be root, this user or the one that the program runs as",
    )
  if (keeper === "ours" || uid === undefined) return
  if (keeper === "shared" ? uid === stats.uid && !isOurs(uid) : uid === keeper) return
  const who = keeper === "shared" ? "others" : `user ${keeper}`
  throw new AppError(
    "pid-file-foreign",
    `${who} can move another pid file onto the name ${path}, and the process in it is not ` +
      "theirs: it gets no signal",
    {
      hint:
        "let the program keep its pid file in a folder that only root and this user can write " +
        "in, and name that file",
    },
  )
}

function send({ pid, handle }: Found, name: NodeJS.Signals, path: string): void {
  try {
    handle.send(name)
  } catch (error) {
    if (systemCode(error) === "EPERM")
      throw failed(
        `this user may not signal process ${pid} of ${path}`,
        "run as the same user, or as root",
      )
    throw failed(
      `process ${pid} of ${path} does not run`,
      "the pid file is stale: start the program",
    )
  }
}

function failed(message: string, hint: string): AppError {
  return new AppError("restart-failed", message, { hint })
}
