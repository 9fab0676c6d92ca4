/** Exit codes are an interface: scripts and service managers act on them. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  config: 3,
  check: 4,
  partly: 5,
  locked: 6,
  person: 7,
} as const

export const exitMeanings: Readonly<Record<number, string>> = {
  0: "done",
  1: "failed",
  2: "wrong usage",
  3: "the config is wrong",
  4: "a check failed",
  5: "partly done",
  6: "locked by another run",
  7: "needs a person: stuck, uncertain, not proven dead, or a program left unhealthy or cut off",
}

const byCode: Readonly<Record<string, number>> = {
  usage: exitCodes.usage,
  "config-invalid": exitCodes.config,
  "config-missing": exitCodes.config,
  "config-writable-by-others": exitCodes.config,
  "project-taken": exitCodes.config,
  locked: exitCodes.locked,
  "random-broken": exitCodes.check,
  stuck: exitCodes.person,
  drifted: exitCodes.person,
  "state-broken": exitCodes.person,
  "state-edited": exitCodes.person,
  "state-foreign": exitCodes.person,
  "state-older": exitCodes.person,
  "state-newer": exitCodes.person,
  "identity-missing": exitCodes.person,
  "identity-broken": exitCodes.person,
  "keys-missing": exitCodes.person,
  "keys-broken": exitCodes.person,
  "seal-broken": exitCodes.person,
  "seal-damaged": exitCodes.person,
  "keys-forged": exitCodes.person,
  "keys-unverified": exitCodes.person,
}

/** The exit code for an error that ended a command. */
export function exitCodeOf(code: string): number {
  return byCode[code] ?? exitCodes.failed
}
