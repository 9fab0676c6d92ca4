import { createHash } from "node:crypto"
import type { PluginContext } from "../../../core/ports.ts"

/**
 * By what a later run finds, at the server, what an earlier one of the same secret has under way: a
 * session's name, or a lock's. What does not fit (`fits`) is hashed.
 */
export function nameAtServer({ label, owner }: PluginContext, fits: RegExp): string {
  const name = `mycelium/${label}#${owner.slice(0, 8)}`
  if (fits.test(name)) return name
  return `mycelium/${createHash("sha256").update(`${label}#${owner}`).digest("hex").slice(0, 40)}`
}
