import { z } from "zod"
import { defineDriver } from "../../core/define.ts"

/** A value that no service asks for: a session key, a token between our own programs. Proven by what the outputs show. */
export const generated = defineDriver({
  type: "generated",
  summary: "a random value that no service has to be told",
  fields: ["password"],
  options: z.strictObject({
    length: z.int("expected a whole number").min(16, "a value of fewer than 16 characters is too short").max(1024, "a value of more than 1024 characters is too long").default(32),
  }),
  overlap: () => "none",
  logins: () => [],
  open: (options) => ({
    overlap: "none",
    draft: (_, text) => ({ password: text("password", options.length) }),
    preflight: () => Promise.resolve([]),
    settle: () => Promise.resolve(true),
    apply: () => Promise.resolve({}),
    // Never asked: the engine proves nothing at a service that does not exist.
    probe: () => Promise.resolve("unknown"),
    revoke: () => Promise.resolve({ sessionsEnded: 0 }),
    describe: () => `a new value of ${options.length} characters`,
  }),
})
