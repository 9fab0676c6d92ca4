import { z } from "zod"
import { once } from "../../core/once.ts"
import { awsParameter } from "./aws_parameter.ts"
import { awsSecret } from "./aws_secret.ts"
import { azureSecret } from "./azure_secret.ts"
import { command } from "./command.ts"
import { env } from "./env.ts"
import { file } from "./file.ts"
import { googleSecret } from "./google_secret.ts"
import { isOneOf } from "./read.ts"
import { vault } from "./vault.ts"

/**
 * How the config names a credential that Mycelium itself needs: a file, a variable, a command, an
 * entry of a manager; never the value. To add one: a file beside this one, and its name in the two
 * lists below.
 */
export const references = [
  awsParameter,
  awsSecret,
  azureSecret,
  command,
  env,
  file,
  googleSecret,
  vault,
] as const

const message =
  "a credential comes by reference, never as text: { file: … }, { env: … }, { command: " +
  "[ … ] }, { vault: { … } }, { aws_secret: { … } }, { aws_parameter: { … } }, " +
  "{ azure_secret: { … } } or { google_secret: { … } }"

/**
 * Anything but exactly one of the kinds gets one sentence, which repeats nothing: what stands there
 * may be the credential.
 */
const all = () =>
  [
    file.options(),
    env.options(),
    command.options(),
    vault.options(),
    awsSecret.options(),
    awsParameter.options(),
    azureSecret.options(),
    googleSecret.options(),
  ] as const

export const ReferenceOptions = once(() =>
  z
    .union(all(), {
      error: ({ input }) => (isOneOf(references, input) ? undefined : message),
    })
    .meta({ title: "reference", examples: [{ file: "/run/secrets/rotator" }] }),
)
