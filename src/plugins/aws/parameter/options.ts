import { z } from "zod"
import { type AwsOptions, accountOf, awsKey } from "../options.ts"
import { partitionOf } from "../arn.ts"

/**
 * What a config says about a parameter of AWS's Parameter Store. By name, never by ARN: a request to
 * write takes no ARN, and /db and db have the same.
 */

const flat = /^[\w.-]{1,1011}$/
const path = /^(\/[\w.-]+){1,15}$/
const reserved = /^\/?(aws|ssm)/i

export function parameterKey() {
  return z
    .string({ error: "give the parameter's name" })
    .max(1011, "a parameter's name has 1011 characters at most")
    .refine((text) => flat.test(text) || path.test(text), {
      error:
        "a parameter's name has letters, digits and _.-, in up to 15 levels that each begin " +
        "with /: /prod/shop/db",
    })
    .refine((text) => !reserved.test(text), {
      error: "a name that begins with aws or ssm is AWS's own",
    })
}

/** Why the two together name no parameter; undefined where they do. */
export function parameterProblem({ region, account }: AwsOptions): string | undefined {
  return region === undefined || account === undefined
    ? "a name alone could mean any account: say aws.region and aws.account (aws sts " +
        "get-caller-identity shows it)"
    : undefined
}

/** A parameter, wherever the config names it. */
export type ParameterPlace = {
  readonly name: string
  readonly region: string
  readonly account: string
  readonly aws: AwsOptions
}

export function parameterPlace(name: string, aws: AwsOptions): ParameterPlace {
  return { name, region: aws.region ?? "", account: accountOf(aws.account ?? ""), aws }
}

/** Canonical: /db and db have the same ARN, so they are taken for the same. */
export function parameterId({ account, region, name }: Omit<ParameterPlace, "aws">): string {
  return `ssm:${account}:${region}:${withSlash(name)}`
}

/** What policies name, and what an answer says of itself. */
export function parameterArn({ account, region, name }: Omit<ParameterPlace, "aws">): string {
  return `arn:${partitionOf(region).name}:ssm:${region}:${account}:parameter${withSlash(name)}`
}

function withSlash(name: string): string {
  return name.startsWith("/") ? name : `/${name}`
}

/** The whole of a reference. */
export function parameterReference() {
  return z.strictObject({
    aws_parameter: z
      .strictObject({
        parameter: parameterKey().meta({
          description: "The parameter's name",
          examples: ["/prod/rotator"],
        }),
        aws: awsKey(),
        field: z
          .string()
          .min(1, "name the field that holds the credential")
          .optional()
          .meta({
            description: "The field of the parameter's JSON object; left out, all of its text",
            examples: ["password"],
          }),
      })
      .superRefine(({ aws }, context) => {
        const message = parameterProblem(aws)
        if (message !== undefined)
          context.addIssue({ code: "custom", path: ["parameter"], message })
      })
      .meta({ description: "A parameter of AWS's Parameter Store" }),
  })
}
