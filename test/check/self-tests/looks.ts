import { type Check, type Result, runCheck } from "../../../src/check/self-tests/check.ts"
import type { SecretState, StateDocument } from "../../../src/core/state.ts"
import type { Stage, Version } from "../../../src/core/version.ts"

/** Runs a check and returns the codes that it found, with their severities: "file-open error". */
export async function found<Code extends string, Subject>(
  check: Check<Code, Subject>,
  subject: Subject,
): Promise<readonly string[]> {
  return (await runCheck(check, subject)).findings.map(
    ({ code, severity }) => `${code} ${severity}`,
  )
}

export async function result<Code extends string, Subject>(
  check: Check<Code, Subject>,
  subject: Subject,
): Promise<Result> {
  return runCheck(check, subject)
}

export const now = new Date("2026-11-24T12:00:00Z")
export const ago = (ms: number): string => new Date(now.getTime() - ms).toISOString()
export const hour = 3_600_000

export function version(id: string, stage: Stage, fingerprint = `print of ${id}`): Version {
  return {
    id,
    madeAt: ago(5 * hour),
    stage,
    clear: { user: "shop" },
    sealed: "",
    fingerprints: { password: fingerprint },
  }
}
export const current: Stage = { kind: "current" }

export function secret(versions: readonly Version[], more: Partial<SecretState> = {}): SecretState {
  return { driver: "postgres", rotatedAt: ago(5 * hour), versions, ...more }
}
export function state(
  secrets: Readonly<Record<string, SecretState>>,
  more: Partial<StateDocument> = {},
): StateDocument {
  return {
    format: 1,
    id: "id",
    project: "shop",
    environment: "production",
    serial: 3,
    secrets,
    audit: { count: 0, head: "", lines: [] },
    mac: "",
    ...more,
  }
}
