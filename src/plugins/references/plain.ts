import { z } from "zod"
import { once } from "../../core/once.ts"
import type { Reference } from "../../core/ports.ts"
import type { Secret } from "../../core/secret.ts"
import { type ReferenceReach } from "../../core/define.ts"
import { command } from "./command.ts"
import { env } from "./env.ts"
import { file } from "./file.ts"
import { isOneOf, readFrom } from "./read.ts"

/** References that ask no service: with those a login at a manager is made, too. */
export const plainReferences = [command, env, file] as const

const message =
  "this credential comes from this machine, by reference: { file: … }, { env: … } or { command: [ … ] }"

export const PlainReferenceOptions = once(() =>
  z
    .union([file.options(), env.options(), command.options()], {
      error: ({ input }) => (isOneOf(plainReferences, input) ? undefined : message),
    })
    .meta({
      title: "a credential of this machine, by reference",
      examples: [{ file: "/run/secrets/rotator" }],
    }),
)

export function readPlainReference(reference: Reference, reach: ReferenceReach): Promise<Secret> {
  return readFrom(plainReferences, reference, reach)
}
