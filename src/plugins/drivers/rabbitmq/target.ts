import { AppError } from "../../../base/error.ts"
import type { Credential, PluginContext } from "../../../core/ports.ts"
import { type Endpoint, endpointAt } from "../server/endpoint.ts"
import { type Address, parseAddress } from "./address.ts"
import { amqpOf, type RabbitmqOptions } from "./options.ts"

/** The server and the user, as the config names them, and what this secret may use to reach them. */
export type RabbitmqTarget = {
  readonly options: RabbitmqOptions
  readonly context: PluginContext
  /** The management API. */
  readonly api: Address
  /** Where programs log in. */
  readonly amqp: Address
}

export function makeTarget(options: RabbitmqOptions, context: PluginContext): RabbitmqTarget {
  return { options, context, api: parseAddress(options.address), amqp: amqpOf(options) }
}

export function reachOf({ options, context }: RabbitmqTarget, address: Address): Promise<Endpoint> {
  return endpointAt(address, { ...options, encrypted: address.tls }, context)
}

/** A version that names another user was made, or adopted, under another config. */
export function checkUser({ options: { user } }: RabbitmqTarget, { fields }: Credential): void {
  if (fields["user"] === undefined || fields["user"] === user) return
  throw new AppError("user-differs", `this version belongs to another user than ${user}`, {
    hint: "adopt the password of this user, or put the former user back",
  })
}
