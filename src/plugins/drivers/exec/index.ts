import { defineDriver } from "../../../core/define.ts"
import { makeTarget } from "./call.ts"
import { ExecDriver } from "./driver.ts"
import { ExecOptions, valueShape } from "./options.ts"

function loginsOf({ command, env, user, users }: ExecOptions): readonly string[] {
  return (users ?? [user]).map((one) => JSON.stringify([command, env, one]))
}

/**
 * A secret whose service only a program of the user's own knows. What such a program must do is in
 * ../README.md.
 */
export const exec = defineDriver({
  type: "exec",
  summary:
    "a value that a program of yours applies, verifies and revokes, told by JSON on its stdin",
  options: ExecOptions,
  fields: ["user", "password"],
  shape: valueShape,
  overlap: ({ holds }) => (holds === "one" ? "one" : "both"),
  server: ({ command }) => JSON.stringify(command),
  // What the program rotates is known by all that the config tells it.
  logins: loginsOf,
  turns: ({ users }) => users ?? [],
  open: (options, context) => new ExecDriver(makeTarget(options, context)),
})
