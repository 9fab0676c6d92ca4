import { contain } from "./incident-report.ts"

/** `rotate-now --contain` with --json, and what it prints. */

export const containAsJson = [...contain, "--json"]

export type Report = {
  readonly incident: string
  readonly reports: readonly {
    readonly outcomes: Readonly<
      Record<string, { readonly kind: string; readonly unhealthy?: string }>
    >
    readonly revoked: readonly {
      readonly death: {
        readonly kind: string
        readonly sessionsEnded?: number
        readonly notes?: readonly string[]
      }
    }[]
    readonly before: readonly string[]
  }[]
}
