import { connect } from "node:net"
import { AppError, systemCode } from "../error.ts"

/**
 * Where journald takes the output of services: one stream, a header, then lines
 * (sd_journal_stream_fd(3)).
 */
const socketPath = "/run/systemd/journal/stdout"
const informational = 6

/**
 * Puts one line into the machine's journal under `identifier`, as what `journalctl -t` finds. No
 * ffi and no other program: a hardened unit can do it. Resolves when the journal's end of the
 * socket has it; else `journal-unreachable`.
 */
export function toJournal(
  identifier: string,
  line: string,
  withinMs: number,
  path = socketPath,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      socket.destroy()
      reject(
        new AppError("journal-unreachable", `cannot write to the journal at ${path}: ${why}`, {
          remedy: "retry",
        }),
      )
    }
    const socket = connect(path)
    socket.setTimeout(withinMs, () => fail("it does not read"))
    socket.on("error", (error) => fail(systemCode(error) ?? "unknown error"))
    // Identifier, unit, priority; no prefix of a level in the lines; on to no syslog, kernel log or
    // console.
    socket.end(`${identifier}\n\n${informational}\n0\n0\n0\n0\n${line}\n`, () => {
      socket.destroy()
      resolve()
    })
  })
}
