import { z } from "zod"
import type { Shape } from "../../../base/text/value-shape.ts"
import { formatDuration, parseDuration } from "../../../base/text/duration.ts"
import { Argv } from "../../hook-argv.ts"
import { ReferenceOptions } from "../../references/options.ts"
import { shapeOf, valueKeys, valueProblems } from "../value-options.ts"

/** What a config says about a secret that a program of the user's own rotates. */

/** Of a user at the service; it stands in messages and in templates. */
const User = z
  .string({ error: "give a name" })
  .refine((name) => name !== "" && name.length <= 255 && !/\p{Cc}/u.test(name), {
    error: "a name has 1 to 255 characters, none of them a control character",
  })

/** Milliseconds, at most `most`. */
function upTo(most: number, example: string): z.ZodType<number, string> {
  const expected = `expected a duration such as ${example}, at most ${formatDuration(most)}`
  return z
    .string({ error: expected })
    .meta({ title: "duration", pattern: "^([0-9]+(ms|[smhdw]))+$", examples: [example] })
    .transform((input, context) => {
      const ms = parseDuration(input)
      if (ms !== undefined && ms <= most) return ms
      context.issues.push({ code: "custom", input, message: expected })
      return z.NEVER
    })
}

/** A recovery waits this long at most before it asks a service what it holds. */
export const longestSettleMs = 60_000

const variable = "the name of a variable is letters, digits and _, and does not begin with a digit"
const Environment = z
  .record(z.string(), z.string({ error: "expected a string, in quotes" }))
  .superRefine((env, context) => {
    for (const name of Object.keys(env)) {
      const message = variableProblem(name)
      if (message !== undefined)
        context.addIssue({ code: "custom", path: [name], message: message })
    }
  })

function variableProblem(name: string): string | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return variable
  if (name.startsWith("MYCELIUM_")) return "variables that begin with MYCELIUM_ are ours"
  // Everybody on the machine who runs as this user can read a program's environment, and a config
  // is no place for a value.
  if (/(PASSWORD|PASSPHRASE|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY)$/i.test(name))
    return (
      "a credential never stands in the environment: name it under credentials, by file, " +
      "env or command; the program gets it on its stdin"
    )
  return undefined
}

const Credentials = z.record(
  z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, "the name of a credential is letters, digits and _"),
  ReferenceOptions(),
)

/** Characters of a value. */
const valueLimits = { least: 16, most: 1024 }

export const ExecOptions = z
  .strictObject({
    command: Argv().meta({
      description: "The program and its arguments, started once for each verb",
      examples: [["/usr/local/bin/stripe-key"]],
    }),
    holds: z
      .enum(["one", "two", "pair"], {
        error:
          'say "one", "two" (two values of one user side by side) or "pair" (two users in turn)',
      })
      .default("one")
      .meta({
        description:
          "How many values the service takes at a time: one, two of one user, " +
          "or a pair of users in turn. The program's describe must say the same",
        examples: ["two"],
      }),
    user: User.optional().meta({
      description: "Whose value it is: given to the program, and shown as {{ NAME.user }}",
      examples: ["shop"],
    }),
    users: z
      .tuple([User, User], { error: "expected two users: [blue, green]" })
      .optional()
      .meta({
        description: "For holds: pair. The two users that take turns",
        examples: [["blue", "green"]],
      }),
    settle: upTo(longestSettleMs, "5s")
      .optional()
      .meta({
        description:
          "After a call was cut off: how long what it began may still land at the service. " +
          "The longer of this and what describe says; 60s at most",
        examples: ["10s"],
      }),
    timeout: upTo(60_000, "15s")
      .optional()
      .meta({
        description:
          "How long one call may take; never longer than the step allows: verify 10s, " +
          "apply and describe 20s, revoke 30s",
        examples: ["15s"],
      }),
    env: Environment.default({}).meta({
      description: "Variables of the program besides PATH, HOME, LANG and TZ. No secrets",
      examples: [{ STRIPE_ACCOUNT: "acct_1" }],
    }),
    credentials: Credentials.default({}).meta({
      description: "What the program needs to reach the service, by reference; it comes on stdin",
      examples: [{ admin: { file: "/run/secrets/stripe-admin" } }],
    }),
    trust_apply: z
      .boolean({ error: "say true or false" })
      .default(false)
      .meta({
        description:
          "For a program that cannot log in: its exit code 0 counts as proof. Not with holds: one",
        examples: [true],
      }),
    ...valueKeys(valueLimits),
  })
  .superRefine((options, context) => {
    for (const { path, message } of valueProblems(options, valueLimits))
      context.addIssue({ code: "custom", path: [path], message: message })
    for (const { path, message } of conflicts(options))
      context.addIssue({ code: "custom", path: [path], message: message })
  })
export type ExecOptions = z.output<typeof ExecOptions>

/** How its values are made. */
export function valueShape(options: ExecOptions): Shape {
  return shapeOf(options, valueLimits)
}

type Conflict = { readonly path: string; readonly message: string }
type Read = Pick<ExecOptions, "holds" | "user" | "users" | "trust_apply">

function conflicts({ holds, user, users, trust_apply }: Read): readonly Conflict[] {
  const found: Conflict[] = []
  if (holds === "pair" && users === undefined)
    found.push({
      path: "holds",
      message: "a pair is two users that take turns: name them with users: [blue, green]",
    })
  if (holds !== "pair" && users !== undefined)
    found.push({ path: "users", message: "two users are for holds: pair; elsewhere write user" })
  if (users !== undefined && user !== undefined)
    found.push({ path: "user", message: "user and users contradict each other: leave one out" })
  if (users !== undefined && users[0] === users[1])
    found.push({ path: "users", message: "the two users are one and the same" })
  if (trust_apply && holds === "one") {
    found.push({
      path: "trust_apply",
      message:
        "where one value lives at a time only a login can tell, after a crash, " +
        "which one that is: teach the program to verify",
    })
  }
  return found
}
