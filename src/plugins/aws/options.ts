import { z } from "zod"
import { endpointKeys, guardProblems } from "../drivers/server/api-endpoint.ts"
import { isArn, partsOf } from "./arn.ts"

/**
 * What a config says about a secret in AWS Secrets Manager. Region and account are said, never taken
 * from the environment: a changed profile can then turn no request to another account.
 */

const digits = "an account has 12 digits"
const name = /^[\w/+=.@-]{1,512}$/

/** A name, or a whole ARN. */
export function secretKey() {
  return z
    .string({ error: "give the secret's name or its ARN" })
    .refine((text) => name.test(text) || isArn(text), {
      error: "a secret's name has letters, digits and /_+=.@-, up to 512; or give its whole ARN",
    })
}

function accountKey() {
  return z
    .union([z.string().regex(/^\d{12}$/, digits), z.number().int().min(0).max(999_999_999_999)], {
      error: digits,
    })
    .optional()
    .meta({
      title: "12 digits",
      description: "The account that it belongs to; a secret's ARN says it, too",
      examples: ["123456789012"],
    })
}

export function awsKeys() {
  return z
    .strictObject({
      region: z
        .string({ error: "name the region: eu-central-1" })
        .regex(/^[a-z]{2,}(-[a-z]+)+-\d{1,2}$/, "a region reads eu-central-1")
        .optional()
        .meta({
          description: "The region where it is; a secret's ARN says it, too",
          examples: ["eu-central-1"],
        }),
      account: accountKey(),
      profile: z
        .string({ error: "name a profile" })
        .regex(/^[^\p{Cc}[\]]{1,128}$/u, "a profile's name is one line, without brackets")
        .optional()
        .meta({
          description:
            "A profile of ~/.aws; left out, whatever credentials AWS's own tools would find here",
          examples: ["rotator"],
        }),
      ...endpointKeys("the region's public address", "https://vpce-0a1b2c.example.internal"),
    })
    .superRefine((aws, context) => {
      for (const { key, message } of guardProblems(aws))
        context.addIssue({ code: "custom", path: [key], message })
    })
}

export type AwsOptions = z.output<ReturnType<typeof awsKeys>>

export function awsKey() {
  return awsKeys()
    .default({})
    .meta({
      description: "Region, account, and with which credentials",
      examples: [{ region: "eu-central-1", account: "123456789012" }],
    })
}

/** Why the two together name no secret; undefined where they do. */
export function secretProblem(secret: string, aws: AwsOptions): string | undefined {
  const said = partsOf(secret)
  if (said === undefined)
    return aws.region === undefined || aws.account === undefined
      ? "a name alone could mean any account: say aws.region and aws.account (aws sts " +
          "get-caller-identity shows it), or give the ARN"
      : undefined
  const differs =
    (aws.region ?? said.region) !== said.region ||
    (aws.account === undefined ? said.account : accountOf(aws.account)) !== said.account
  return differs ? "the ARN names another region or account than aws does" : undefined
}

/** YAML reads digits as a number, without the zeros before them. */
export function accountOf(account: string | number): string {
  return String(account).padStart(12, "0")
}

/** A secret, wherever the config names it. */
export type SecretPlace = {
  readonly name: string
  readonly region: string
  readonly account: string
  /** The whole ARN, where the config says it. */
  readonly arn?: string
  readonly aws: AwsOptions
}

export function placeOf(secret: string, aws: AwsOptions): SecretPlace {
  const said = partsOf(secret)
  if (said !== undefined) return { ...said, arn: secret, aws }
  return { name: secret, region: aws.region ?? "", account: accountOf(aws.account ?? ""), aws }
}

/** Canonical: the same for a name and for its ARN. */
export function entryId({ account, region, name: own }: Omit<SecretPlace, "aws">): string {
  return `aws:${account}:${region}:${own}`
}

/** The whole of a reference. */
export function secretReference() {
  return z.strictObject({
    aws_secret: z
      .strictObject({
        secret: secretKey().meta({
          description: "The secret's name or its ARN",
          examples: ["prod/rotator"],
        }),
        aws: awsKey(),
        field: z
          .string()
          .min(1, "name the field that holds the credential")
          .optional()
          .meta({
            description: "The field of the secret's JSON object; left out, all of its text",
            examples: ["password"],
          }),
      })
      .superRefine(({ secret, aws }, context) => {
        const message = secretProblem(secret, aws)
        if (message !== undefined) context.addIssue({ code: "custom", path: ["secret"], message })
      })
      .meta({ description: "A secret in AWS Secrets Manager" }),
  })
}
