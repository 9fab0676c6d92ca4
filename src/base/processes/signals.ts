import { readFileSync } from "node:fs"

const hangup = 1n

/**
 * True if this process was started so that a closed terminal does not end it (nohup). Asked before
 * anything listens to the signal.
 */
export function ignoresHangup(): boolean {
  return atStart
}

const atStart = ask()

function ask(): boolean {
  try {
    const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]
    return mask !== undefined && (BigInt(`0x${mask}`) & hangup) !== 0n
  } catch {
    return false
  }
}
