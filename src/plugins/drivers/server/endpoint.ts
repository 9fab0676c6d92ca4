import type { Socket } from "node:net"
import { resolve } from "node:path"
import type { PluginContext } from "../../../core/ports.ts"
import { type ServerAddress, isLocal, sayAddress } from "./address.ts"
import { type Gate, gateFor, type OpenGate } from "./listener.ts"
import type { ListenerOption } from "./listener-option.ts"
import { type Call, openSocket, readPem, type TlsDemand } from "./tls.ts"
import type { TlsOptions } from "./tls-options.ts"

/**
 * A server as a login finds it. `tls`: the name that it must prove. `gate`: the process that
 * listens is checked before the proof of a password goes out, and before an answer is believed.
 */
export type Endpoint = {
  readonly address: ServerAddress
  readonly tls?: TlsDemand
  readonly gate?: OpenGate
}

/** What the options of a driver say about reaching its server (`wayKeys`). */
export type EndpointOptions = {
  readonly tls?: TlsOptions | undefined
  readonly insecure?: boolean | undefined
  readonly listener?: ListenerOption | undefined
}

/**
 * To another machine through TLS, unless the config says `insecure`; on this one only if the config
 * asks for it.
 */
export function wantsTls(address: ServerAddress, { tls, insecure }: EndpointOptions): boolean {
  return tls !== undefined || (!isLocal(address) && insecure !== true)
}

/** A unix socket speaks no TLS. */
export async function endpointAt(
  address: ServerAddress,
  way: EndpointOptions & { readonly encrypted: boolean },
  context: Pick<PluginContext, "folder" | "listeners">,
): Promise<Endpoint> {
  if (way.encrypted && !("socket" in address))
    return { address, tls: await demandOf(way.tls, address.host, context.folder) }
  return isLocal(address) ? { address, gate: gateAt(address, way, context) } : { address }
}

function gateAt(
  address: ServerAddress,
  { listener }: EndpointOptions,
  { listeners }: Pick<PluginContext, "listeners">,
): OpenGate {
  return (label) =>
    gateFor("socket" in address ? { path: address.socket } : address, {
      label,
      address: sayAddress(address),
      listener,
      listeners,
    })
}

async function demandOf(
  tls: TlsOptions | undefined,
  host: string,
  folder: string,
): Promise<TlsDemand> {
  const pem = (file: string, what: string): Promise<string> => readPem(resolve(folder, file), what)
  return {
    name: tls?.name ?? host,
    ...(tls?.ca === undefined ? {} : { ca: await pem(tls.ca, "CERTIFICATE") }),
    ...(tls?.certificate === undefined || tls.key === undefined
      ? {}
      : {
          own: {
            certificate: await pem(tls.certificate, "CERTIFICATE"),
            key: await pem(tls.key, "PRIVATE KEY"),
          },
        }),
  }
}

/** Connects, in clear yet. `gate`: what the endpoint's opened, if it has one. */
export function dial(address: ServerAddress, gate: Gate | undefined, call: Call): Promise<Socket> {
  return openSocket(
    "socket" in address
      ? { path: gate?.path ?? address.socket }
      : { host: address.host, port: address.port, noDelay: true },
    call,
  )
}
