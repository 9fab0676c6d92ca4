import { z } from "zod"
import { present } from "../../base/present.ts"
import { defineOutput } from "../../core/define.ts"
import { awsKey } from "../aws/options.ts"
import { AwsParameterEntry } from "../aws/parameter/entry.ts"
import {
  parameterId,
  parameterKey,
  parameterPlace,
  parameterProblem,
} from "../aws/parameter/options.ts"
import { reachOf } from "./aws_secret.ts"
import { entryOptions, inspectFields, readersIn } from "./entry/options.ts"
import { openEntry } from "./entry/output.ts"
import { LookWriteLook } from "./entry/uncompared.ts"

const Options = z
  .strictObject({
    aws_parameter: parameterKey().meta({
      description:
        "The parameter to write, a SecureString, by name: its other fields, if any, stay as they are",
      examples: ["/prod/shop/db"],
    }),
    aws: awsKey(),
    ...entryOptions(),
  })
  .superRefine(({ aws }, context) => {
    const message = parameterProblem(aws)
    if (message !== undefined)
      context.addIssue({ code: "custom", path: ["aws_parameter"], message })
  })

/** Fields of a parameter of AWS's Parameter Store. */
export const awsParameter = defineOutput({
  type: "aws_parameter",
  summary: "fields of a parameter of AWS Systems Manager Parameter Store",
  entry: true,
  options: Options,
  target: ({ aws_parameter: name, aws }) => parameterId(parameterPlace(name, aws)),
  readers: ({ readers }) => readersIn(readers),
  inspect: ({ variables }) => inspectFields(variables),
  open: ({ aws_parameter: name, aws, variables, create, readers }, context) => {
    const entry = new AwsParameterEntry(parameterPlace(name, aws), () => reachOf(context))
    return openEntry({
      entry: new LookWriteLook(entry),
      variables,
      create,
      ...present({ readers: readersIn(readers) }),
    })
  },
})
