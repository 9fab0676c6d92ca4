import {
  addressUrl,
  hostOf,
  invalidAddress,
  isLocal,
  portOf,
  refuseLogin,
  refuseParameters,
} from "../drivers/server/address.ts"
import { partitionOf } from "./arn.ts"

/** Where an API of AWS is asked. */
export type ApiAddress = { readonly host: string; readonly port: number; readonly tls: boolean }

/** `https://host`, or `http://` on this machine. An error never quotes the address. */
export function parseEndpoint(text: string): ApiAddress {
  const url = addressUrl(text, /^https?:\/\//i, "it reads https://host")
  refuseLogin(url)
  refuseParameters(url)
  if (url.pathname !== "" && url.pathname !== "/")
    throw invalidAddress("nothing follows the host and its port")
  const tls = url.protocol === "https:"
  const address = { host: hostOf(url), port: portOf(url, tls ? 443 : 80), tls }
  if (!tls && !isLocal(address))
    throw invalidAddress("off this machine it begins with https://, for values go there")
  return address
}

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
