import { AppError } from "../../base/error.ts"
import { present } from "../../base/present.ts"
import type { Finding } from "../../core/ports.ts"

/** A self-test: data, and a look that changes nothing unless it is asked to repair. */

/** How bad one kind of fault is, and what to do about it unless the finding itself knows better. */
export type Fault = { readonly severity: Finding["severity"]; readonly remedy: string }

/** What a look tells of. */
export type Report<Code extends string> = {
  /** Something is wrong. `severity`: where this one is less bad than its kind. */
  found(
    code: Code,
    message: string,
    better?: { readonly remedy?: string; readonly severity?: Finding["severity"] },
  ): void
  /** A finding of what was asked (a driver, a plug-in), as it is. */
  passed(finding: Finding): void
  /** Something was wrong and is mended. */
  mended(message: string): void
  /** An error of something that was asked, under its own code. */
  failed(error: unknown, place?: string): void
}

export type Check<Code extends string, Subject> = {
  readonly name: string
  /** All that it can find by itself; what it asks may fail with codes of its own. */
  readonly faults: Readonly<Record<Code, Fault>>
  /** Returns what it saw, for the line that says all is well. */
  inspect(subject: Subject, report: Report<Code>): string | Promise<string>
}

export type Result = {
  readonly name: string
  readonly saw: string
  readonly findings: readonly Finding[]
  readonly mended: readonly string[]
}

export function defineCheck<Code extends string, Subject>(
  check: Check<Code, Subject>,
): Check<Code, Subject> {
  return check
}

/** A look never hides its neighbours: whatever it throws is a finding. */
export async function runCheck<Code extends string, Subject>(
  { name, faults, inspect }: Check<Code, Subject>,
  subject: Subject,
): Promise<Result> {
  const findings: Finding[] = []
  const mended: string[] = []
  const report: Report<Code> = {
    found: (code, message, better) =>
      void findings.push({
        code,
        severity: faults[code].severity,
        message,
        remedy: faults[code].remedy,
        ...better,
      }),
    passed: (finding) => void findings.push(finding),
    mended: (message) => void mended.push(message),
    failed: (error, place) => void findings.push(findingOf(error, place)),
  }
  try {
    return { name, saw: await inspect(subject, report), findings, mended }
  } catch (error) {
    return { name, saw: "", findings: [...findings, findingOf(error)], mended }
  }
}

/** Any error as a finding; one that is not ours says nothing but that it happened. */
export function findingOf(error: unknown, place?: string): Finding {
  const known =
    error instanceof AppError
      ? error
      : new AppError("internal", "an unexpected error inside mycelium", {
          hint: "please report what you did, without any value",
        })
  const { code, message, hint } = place === undefined ? known : known.within(place)
  return {
    code,
    severity: "error",
    message: message,
    ...present({ remedy: hint }),
  }
}

const order = { error: 0, warning: 1, info: 2 } as const

/** The worst first; those of one severity stay in their order. */
export function bySeverity<One extends Finding>(findings: readonly One[]): readonly One[] {
  return findings.toSorted((one, other) => order[one.severity] - order[other.severity])
}
