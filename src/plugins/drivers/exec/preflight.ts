import type { Finding, Versions } from "../../../core/ports.ts"
import { findingOf, problem } from "../server/findings.ts"
import { type ExecTarget, call, credentials } from "./call.ts"
import { Described } from "./protocol.ts"

export function describe(target: ExecTarget, signal: AbortSignal): Promise<Described> {
  return call(target, { verb: "describe", about: {}, answer: Described }, signal)
}

/**
 * What a rotation would fail on, seen before any value exists. The program is asked what it is, and
 * nothing else.
 */
export async function preflight(
  target: ExecTarget,
  { current }: Versions,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const { options } = target
  const users = options.users ?? [options.user]
  const user = current?.fields["user"]
  if (current !== undefined && !users.some((one) => one === user)) {
    return [
      problem(
        "user-differs",
        "the current version belongs to another user than the config names",
        "adopt the value of this user, or put the former user back",
      ),
    ]
  }
  try {
    // A reference that cannot be read would stop `apply`.
    await credentials(target)
    return disagreements(target, await describe(target, signal))
  } catch (error) {
    return [findingOf(error)]
  }
}

/** The config says before anything runs how the secret behaves; the program must say the same. */
function disagreements(target: ExecTarget, described: Described): readonly Finding[] {
  const { options, program } = target
  const found: Finding[] = []
  if (described.holds !== options.holds) {
    const message =
      `${program} says that its service holds ${described.holds}, ` +
      `the config says ${options.holds}`
    found.push(
      problem(
        "exec-disagrees",
        message,
        `write holds: ${described.holds}, if that is what the service does`,
      ),
    )
  }
  const hasUser = options.users !== undefined || options.user !== undefined
  const lacking = described.fields.find(
    (field) => field !== "password" && (field !== "user" || !hasUser),
  )
  if (lacking === "user")
    found.push(
      problem(
        "exec-user-missing",
        `${program} needs a user, and the config names none`,
        "write user: NAME",
      ),
    )
  else if (lacking !== undefined)
    found.push(
      problem(
        "exec-field-unknown",
        `${program} needs a field that no version has`,
        "fields are user and password",
      ),
    )
  return [...found, ...proofFindings(target, described), ...sessionFindings(target, described)]
}

function proofFindings({ options, program }: ExecTarget, { probe }: Described): readonly Finding[] {
  if (probe && options.trust_apply) {
    return [
      problem(
        "exec-trust-needless",
        `${program} can log in, so its word for apply need not be trusted`,
        "take trust_apply out",
      ),
    ]
  }
  if (probe) return []
  const cannot = `${program} cannot log in`
  if (options.trust_apply) {
    return [
      {
        code: "exec-unproven",
        severity: "warning",
        message: `${cannot}: that it said yes counts as proof that a value is accepted, and that it is dead`,
        remedy: "teach the program to verify",
      },
    ]
  }
  const remedy =
    options.holds === "one"
      ? "teach the program to verify"
      : "teach the program to verify; or, if its word is enough, write trust_apply: true"
  return [problem("exec-cannot-probe", `${cannot}, so nothing would prove a rotation`, remedy)]
}

function sessionFindings({ program }: ExecTarget, described: Described): readonly Finding[] {
  if (described.ends_sessions) return []
  return [
    {
      code: "sessions-out-of-reach",
      severity: "info",
      sessions: true,
      message: `${program} cannot end sessions: end_sessions would fail`,
    },
  ]
}
