import { type HttpsAddress, isLocal } from "../drivers/server/address.ts"
import { parseEndpoint } from "../drivers/server/api-endpoint.ts"
import { partitionOf } from "./arn.ts"

/** Where an API of AWS is asked. */
export type ApiAddress = HttpsAddress

export type Service = "secretsmanager" | "ssm" | "sts"

/**
 * The region's public address, or the endpoint that the config names. An endpoint off this machine
 * is of one service: who we are is asked at the public address of STS then.
 */
export function addressOf(
  service: Service,
  region: string,
  endpoint: string | undefined,
): ApiAddress & { readonly isNamed: boolean } {
  const named = endpoint === undefined ? undefined : parseEndpoint(endpoint)
  if (named !== undefined && (service !== "sts" || isLocal(named)))
    return { ...named, isNamed: true }
  const host = `${service}.${region}.${partitionOf(region).host}`
  return { host, port: 443, tls: true, isNamed: false }
}
