/**
 * Names of secrets as AWS writes them:
 * arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/db-AbCdEf.
 */

const whole =
  /^arn:(aws[a-z-]*):secretsmanager:([a-z0-9-]+):(\d{12}):secret:([\w/+=.@-]{1,512})-[A-Za-z0-9]{6}$/

export type ArnParts = {
  readonly name: string
  readonly region: string
  readonly account: string
}

export function isArn(text: string): boolean {
  return whole.test(text)
}

/** undefined: a name. */
export function partsOf(text: string): ArnParts | undefined {
  const [, , region = "", account = "", name = ""] = whole.exec(text) ?? []
  return region === "" ? undefined : { region, account, name }
}

/** Regions whose names and addresses are another part of AWS. */
const partitions: readonly {
  readonly begins: string
  readonly name: string
  readonly host: string
}[] = [
  { begins: "cn-", name: "aws-cn", host: "amazonaws.com.cn" },
  { begins: "us-gov-", name: "aws-us-gov", host: "amazonaws.com" },
  { begins: "us-isob-", name: "aws-iso-b", host: "sc2s.sgov.gov" },
  { begins: "us-isof-", name: "aws-iso-f", host: "csp.hci.ic.gov" },
  { begins: "us-iso-", name: "aws-iso", host: "c2s.ic.gov" },
  { begins: "eu-isoe-", name: "aws-iso-e", host: "cloud.adc-e.uk" },
  { begins: "eusc-", name: "aws-eusc", host: "amazonaws.eu" },
]

export function partitionOf(region: string): { readonly name: string; readonly host: string } {
  const { name, host } = partitions.find(({ begins }) => region.startsWith(begins)) ?? {
    name: "aws",
    host: "amazonaws.com",
  }
  return { name, host }
}

/**
 * What a request names: with region and account in it, so that credentials of another account find
 * nothing rather than another secret of this name.
 */
export function requestArn({
  name,
  region,
  account,
  arn,
}: ArnParts & { readonly arn?: string }): string {
  return arn ?? `arn:${partitionOf(region).name}:secretsmanager:${region}:${account}:secret:${name}`
}

/** As policies name it: AWS adds a hyphen and six characters to each name. */
export function policyArn(parts: ArnParts & { readonly arn?: string }): string {
  return parts.arn ?? `${requestArn(parts)}-??????`
}

/** Does this ARN of an answer mean the place that was asked for? */
export function isOf(arn: string, place: ArnParts & { readonly arn?: string }): boolean {
  if (place.arn !== undefined) return arn === place.arn
  const said = partsOf(arn)
  return said?.name === place.name && said.region === place.region && said.account === place.account
}
