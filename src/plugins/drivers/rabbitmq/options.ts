import { z } from "zod"
import { isLocal } from "../server/address.ts"
import {
  addressOption,
  type Conflict,
  isGuarded,
  understood,
  wayConflicts,
  wayKeys,
} from "../server/options.ts"
import { adminPassword, fitting, passwordKeys } from "../server/password-options.ts"
import { type Address, amqpBeside, parseAddress, parseAmqp } from "./address.ts"

/**
 * What a config says about one RabbitMQ user. Messages are one sentence each and never quote what
 * was given.
 */

/** It is a part of a path: "." and ".." would be another. */
const Name = z
  .string({ error: "give a name" })
  .refine((name) => /^[^\p{Cc}]{1,255}$/u.test(name) && !/^\.{1,2}$/.test(name), {
    error: "a user's name in RabbitMQ has 1 to 255 characters, no control characters among them",
  })
const AdminName = Name.refine((name) => !name.includes(":"), {
  error: "the admin logs in by HTTP, where a user's name holds no colon",
})

export const RabbitmqOptions = z
  .strictObject({
    address: addressOption(parseAddress, "https://host:15672").meta({
      description: "The management API, by which the password is changed",
      examples: ["https://queue.internal:15672", "http://127.0.0.1:15672"],
    }),
    amqp: addressOption(parseAmqp, "amqps://host:5671")
      .optional()
      .meta({
        description:
          "Where programs log in, and each proof does; left out, port 5671 (https) or 5672 " +
          "(http) of the same host",
        examples: ["amqps://queue.internal:5671"],
      }),
    user: Name.meta({ description: "The user whose password rotates", examples: ["shop"] }),
    vhost: Name.optional().meta({
      description: "A virtual host that the user must be able to open; each proof opens it too",
      examples: ["/"],
    }),
    admin: z
      .strictObject(
        {
          user: AdminName.meta({
            description: "A user with the tag administrator",
            examples: ["rotator"],
          }),
          password: adminPassword,
        },
        {
          error: "name an admin: { user, password }, for RabbitMQ lets no user change its own",
        },
      )
      .meta({ description: "Who changes the password: only an administrator can" }),
    ...wayKeys("For addresses that begin with https:// or amqps://"),
    ...passwordKeys,
  })
  .superRefine(fitting(conflicts))
export type RabbitmqOptions = z.output<typeof RabbitmqOptions>

/** Where programs log in. */
export function amqpOf({ address, amqp }: Pick<RabbitmqOptions, "address" | "amqp">): Address {
  return amqp === undefined ? amqpBeside(parseAddress(address)) : parseAmqp(amqp)
}

function* conflicts(options: RabbitmqOptions): Generator<Conflict> {
  const { tls, insecure, admin, user } = options
  const places = placesOf(options)
  for (const { path, address } of places)
    if (!address.tls && insecure !== true && !isLocal(address))
      yield {
        path: [path],
        message:
          "off this machine passwords need verified TLS: write https:// and amqps://, " +
          "or, if the traffic cannot be read on the way, insecure: true",
      }
  yield* wayConflicts(
    options,
    places.some(({ address }) => isGuarded(address, address.tls)),
  )
  if (tls !== undefined && places.length > 0 && places.every(({ address }) => !address.tls))
    yield { path: ["tls"], message: "tls is for addresses that begin with https:// or amqps://" }
  if (admin.user === user)
    yield {
      path: ["admin"],
      message:
        "admin and user are the same: a rotation needs an admin whose password it does not change",
    }
}

/** Of the addresses that are understood. */
function placesOf({ address, amqp }: RabbitmqOptions): readonly {
  readonly path: "address" | "amqp"
  readonly address: Address
}[] {
  const api = understood(parseAddress, [address]).map(
    (one) => ({ path: "address", address: one }) as const,
  )
  const named = understood(parseAmqp, amqp === undefined ? [] : [amqp])
  return [...api, ...named.map((one) => ({ path: "amqp", address: one }) as const)]
}
