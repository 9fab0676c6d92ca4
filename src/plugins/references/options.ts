import { z } from "zod"
import { once } from "../../core/once.ts"

/**
 * How the config names a credential that Mycelium itself needs: a file, a variable, a command;
 * never the value.
 */

const message =
  "a credential comes by reference, never as text: { file: … }, { env: … } or { command: [ … ] }"
const kinds = ["file", "env", "command"] as const

const File = () =>
  z.strictObject({
    file: z
      .string()
      .min(1)
      .meta({
        description: "A file that holds the credential and nothing else",
        examples: ["/run/secrets/rotator"],
      }),
  })
const Variable = () =>
  z.strictObject({
    env: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "expected the name of a variable")
      .meta({
        description: "A variable of Mycelium's own environment",
        examples: ["ROTATOR_PASSWORD"],
      }),
  })
const Command = () =>
  z.strictObject({
    command: z
      .array(z.string(), "expected a list: [program, argument, …]")
      .min(1, "names no program")
      .meta({
        description: "A program that prints the credential, within 30 seconds",
        examples: [["vault", "kv", "get", "-field=password", "secret/rotator"]],
      }),
  })

/**
 * Anything but exactly one of the kinds gets one sentence, which repeats nothing: what stands there
 * may be the credential.
 */
export const ReferenceOptions = once(() =>
  z
    .union([File(), Variable(), Command()], {
      error: ({ input }) => (isOneKind(input) ? undefined : message),
    })
    .meta({ title: "reference", examples: [{ file: "/run/secrets/rotator" }] }),
)

function isOneKind(input: unknown): boolean {
  if (typeof input !== "object" || input === null) return false
  const keys = Object.keys(input)
  return keys.length === 1 && kinds.some((kind) => kind === keys[0])
}
