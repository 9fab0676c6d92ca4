import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { z } from "zod"
import { readRegular } from "../../base/files/read-regular.ts"
import { AppError, systemCode } from "../../base/error.ts"
import { defineRestarter } from "../../core/define.ts"

/**
 * Sends a signal to the process that a pid file names, where a program reads its settings again (or
 * ends and is started again).
 */

const names = ["HUP", "USR1", "USR2", "TERM", "INT"] as const

export const signal = defineRestarter({
  type: "signal",
  summary: "sends a signal to the process in a pid file",
  options: z.strictObject(
    {
      pid_file: z
        .string("expected the path of a pid file")
        .min(1, "the path is empty")
        .meta({ description: "The file that holds the process id", examples: ["/run/proxy.pid"] }),
      name: z
        .enum(names, `expected one of ${names.join(", ")}`)
        .meta({ description: "The signal to send", examples: ["HUP"] }),
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
      restart: async (_mark, stop) => {
        const pid = await pidIn(path)
        if (stop.aborted) throw new AppError("stopped", "interrupted", { remedy: "retry" })
        send(pid, `SIG${options.name}`, path)
      },
    }
  },
})

async function pidIn(path: string): Promise<number> {
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
  // Who can write the file chooses whom we signal, with our rights.
  if ((file.stats.mode & 0o022) !== 0)
    throw failed(`${path} can be written by others than its owner`, `chmod go-w ${path}`)
  const trusted = [0, process.geteuid?.(), ownerOf(pid)]
  if (!trusted.includes(file.stats.uid))
    throw failed(
      `${path} belongs to a user who could not signal that process`,
      "its owner must be root, this user or the one that the program runs as",
    )
  return pid
}

/**
 * Of the process: the folder's owner is root where a daemon gave up root by itself, so its status
 * is read. Nobody, where it is gone.
 */
function ownerOf(pid: number): number | undefined {
  const uid = /^Uid:\s+(\d+)/m.exec(statusOf(pid))?.[1]
  return uid === undefined ? undefined : Number(uid)
}

/** At once: programs may be locked out meanwhile, and the kernel answers this from its memory. */
function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "latin1")
  } catch {
    return ""
  }
}

function send(pid: number, name: NodeJS.Signals, path: string): void {
  try {
    process.kill(pid, name)
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
