import { z } from "zod"
import { AppError } from "../../base/error.ts"
import { present } from "../../base/present.ts"
import { defineOutput, type OutputContext } from "../../core/define.ts"
import { awsKey, entryId, placeOf, secretKey, secretProblem } from "../aws/options.ts"
import type { AwsReach } from "../aws/reach.ts"
import { AwsSecretEntry } from "../aws/secret-entry.ts"
import { entryOptions, inspectFields, readersIn } from "./entry/options.ts"
import { openEntry } from "./entry/output.ts"

const Options = z
  .strictObject({
    aws_secret: secretKey().meta({
      description:
        "The secret to write, by name or ARN: its other fields, if any, stay as they are",
      examples: ["prod/shop/db"],
    }),
    aws: awsKey(),
    ...entryOptions(),
  })
  .superRefine(({ aws_secret: secret, aws }, context) => {
    const message = secretProblem(secret, aws)
    if (message !== undefined) context.addIssue({ code: "custom", path: ["aws_secret"], message })
  })

/** Fields of a secret in AWS Secrets Manager. */
export const awsSecret = defineOutput({
  type: "aws_secret",
  summary: "fields of a secret in AWS Secrets Manager",
  entry: true,
  options: Options,
  target: ({ aws_secret: secret, aws }) => entryId(placeOf(secret, aws)),
  readers: ({ readers }) => readersIn(readers),
  inspect: ({ variables }) => inspectFields(variables),
  open: ({ aws_secret: secret, aws, variables, create, readers }, context) =>
    openEntry({
      entry: new AwsSecretEntry(placeOf(secret, aws), () => reachOf(context)),
      variables,
      create,
      ...present({ readers: readersIn(readers) }),
    }),
})

/** Of every output that is an entry at AWS. */
export function reachOf({ folder, manager }: OutputContext): AwsReach {
  if (manager === undefined)
    throw new AppError("internal", "an entry was asked without a way there")
  return { folder, ...manager }
}
