import {
  addressUrl,
  hostOf,
  invalidAddress,
  portOf,
  refuseLogin,
  refuseParameters,
} from "../server/address.ts"

/** Where something of RabbitMQ's listens, in clear or through TLS. */
export type Address = { readonly host: string; readonly port: number; readonly tls: boolean }

const apiPort = 15_672
/** The port of amqps follows from the other's: 5671 and 5672. */
const amqpPorts = { clear: 5672, tls: 5671 }

/** The management API: `http://host:15672` or `https://host:15672`. An error never quotes the address. */
export function parseAddress(text: string): Address {
  const url = read(text, /^https?:\/\//i, "it reads https://host:15672 or http://host:15672")
  // Zero for a port that the scheme has by itself: a URL leaves it out.
  const standard = /:(80|443)(\/|$)/.exec(text)?.[1] ?? apiPort
  return { host: hostOf(url), port: portOf(url, Number(standard)), tls: url.protocol === "https:" }
}

/** Where programs log in: `amqp://host:5672` or `amqps://host:5671`. */
export function parseAmqp(text: string): Address {
  const url = read(text, /^amqps?:\/\//i, "it reads amqps://host:5671 or amqp://host:5672")
  const tls = url.protocol === "amqps:"
  return { host: hostOf(url), port: portOf(url, tls ? amqpPorts.tls : amqpPorts.clear), tls }
}

/** Where programs log in, if the config does not say: the same host, by the same kind of way. */
export function amqpBeside({ host, tls }: Address): Address {
  return { host, port: tls ? amqpPorts.tls : amqpPorts.clear, tls }
}

function read(text: string, scheme: RegExp, reads: string): URL {
  const url = addressUrl(text, scheme, reads)
  refuseLogin(url)
  refuseParameters(url)
  if (url.pathname !== "" && url.pathname !== "/")
    throw invalidAddress("nothing follows the port: a virtual host is an option of its own")
  return url
}
