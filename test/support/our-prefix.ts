import { existsSync, readlinkSync } from "node:fs"

/**
 * Folders in shared places are named by the process that made them, so that a later one can remove
 * what a killed one left. A process number means nothing in another process namespace, so that
 * stands in the name, too.
 */
export function ourPrefix(): string {
  return `mycelium-${namespace()}-${process.pid}`
}

/** The one that made `name` is gone, as far as can be seen from here. */
export function isAbandoned(name: string): boolean {
  const [, made, pid] = name.match(/^mycelium-([a-z\d]+)-(\d+)-/) ?? []
  return made === namespace() && !existsSync(`/proc/${pid}`)
}

/** Short: a socket's path ends at 107 characters. */
function namespace(): string {
  return Number(readlinkSync("/proc/self/ns/pid").replace(/\D/g, "")).toString(36)
}
