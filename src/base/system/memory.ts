/**
 * Returns the pages of what is no longer used to the machine. Takes tens of milliseconds: for a
 * service that is about to wait.
 */
export function giveBackMemory(): void {
  Bun.gc(true)
}
