import type { Finding } from "../../core/ports.ts"

export function errorFinding(code: string, message: string, remedy: string): Finding {
  return { code, severity: "error", message, remedy }
}
