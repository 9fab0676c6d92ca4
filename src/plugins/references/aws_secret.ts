import { z } from "zod"
import { defineReference } from "../../core/define.ts"
import { once } from "../../core/once.ts"
import { entryId, placeOf, secretReference } from "../aws/options.ts"

const Options = once(() => z.lazy(secretReference))

/** A secret in AWS Secrets Manager; its schema and its client load where a config names one. */
export const awsSecret = defineReference({
  type: "aws_secret",
  summary: "a secret in AWS Secrets Manager, or one field of it",
  options: Options,
  place: ({ aws_secret: { secret, aws, field } }) => {
    const id = entryId(placeOf(secret, aws))
    return field === undefined ? `the secret ${id}` : `the field ${field} of ${id}`
  },
  read: async ({ aws_secret: { secret, aws, field } }, reach) => {
    const { readSecret } = await import("../aws/read-field.ts")
    return readSecret(placeOf(secret, aws), field, reach)
  },
})
