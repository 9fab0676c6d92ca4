import { z } from "zod"
import { defineReference } from "../../core/define.ts"
import { once } from "../../core/once.ts"
import { parameterId, parameterPlace, parameterReference } from "../aws/parameter/options.ts"

const Options = once(() => z.lazy(parameterReference))

/** A parameter of AWS's Parameter Store; its schema and its client load where a config names one. */
export const awsParameter = defineReference({
  type: "aws_parameter",
  summary: "a parameter of AWS Systems Manager Parameter Store, or one field of it",
  options: Options,
  place: ({ aws_parameter: { parameter, aws, field } }) => {
    const id = parameterId(parameterPlace(parameter, aws))
    return field === undefined ? `the parameter ${id}` : `the field ${field} of ${id}`
  },
  read: async ({ aws_parameter: { parameter, aws, field } }, reach) => {
    const { readParameter } = await import("../aws/parameter/read.ts")
    return readParameter(parameterPlace(parameter, aws), field, reach)
  },
})
