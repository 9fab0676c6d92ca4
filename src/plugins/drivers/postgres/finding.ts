import type { Finding } from "../../../core/ports.ts"

/** An error that keeps the secret out of the change set. `remedy` is SQL wherever SQL mends it. */
export function problem(code: string, says: string, remedy?: string): Finding {
  return { code, severity: "error", says, ...(remedy === undefined ? {} : { remedy }) }
}
