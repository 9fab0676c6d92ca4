import { processes } from "../../src/base/processes/process-session.ts"

/** True while the process runs; a zombie does not. */
export async function isRunning(pid: number): Promise<boolean> {
  return (await processes()).some((one) => one.pid === pid && one.state !== "Z")
}

/** The pids in a text, one a line or apart by spaces. */
export function pidsIn(text: string): readonly number[] {
  return [...text.matchAll(/\d+/g)].map(([digits]) => Number(digits)).filter((pid) => pid > 1)
}

/**
 * Ends a process that a test left, if it still runs. Ids below 2 mean other things to kill(2): 0 is
 * our own group.
 */
export function endPid(pid: number): void {
  if (pid < 2) return
  try {
    process.kill(pid, "SIGKILL")
  } catch {
    // It is gone.
  }
}

/** The bun that runs the tests: for programs of our own in a process of their own. */
export const bun = process.execPath
export const source = new URL("../../src/", import.meta.url).pathname
