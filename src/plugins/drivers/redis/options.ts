import { z } from "zod"
import { isLocal, sayAddress } from "../server/address.ts"
import {
  addressOption,
  type Conflict,
  isGuarded,
  understood,
  wayConflicts,
  wayKeys,
} from "../server/options.ts"
import { adminPassword, fitting, passwordKeys } from "../server/password-options.ts"
import { type Address as Parsed, isEncrypted, parseAddress } from "./address.ts"

/**
 * What a config says about one Redis user. Messages are one sentence each and never quote what was
 * given.
 */

/**
 * No spaces and no NUL (ACLStringHasSpaces in Redis' acl.c); no control characters, for it stands
 * in messages.
 */
const Name = z
  .string({ error: "give a name" })
  .refine((name) => name !== "" && name.length <= 128 && !/[\s\p{Cc}]/u.test(name), {
    error: "a user's name in Redis has neither spaces nor control characters",
  })

const Address = addressOption(parseAddress, "redis://host:6379")

const Admin = z.strictObject({
  user: Name.default("default").meta({
    description: "The user that may change users",
    examples: ["rotator"],
  }),
  password: adminPassword,
})

export const RedisOptions = z
  .strictObject({
    address: Address.meta({
      description: "The server: redis://, rediss:// for TLS, or a unix socket",
      examples: ["unix:/run/redis/redis.sock", "rediss://cache.internal:6379"],
    }),
    user: Name.default("default").meta({
      description: "The ACL user whose password rotates",
      examples: ["shop"],
    }),
    admin: Admin.optional().meta({
      description:
        "Who changes the password; without it the user changes its own, if its ACL rules allow that",
    }),
    ...wayKeys("For addresses that begin with rediss://"),
    ...passwordKeys,
    also: z
      .array(Address, { error: "give a list of addresses" })
      .optional()
      .meta({
        description: "Every other node that has this user: Redis replicates data, not users",
        examples: [["rediss://replica.internal:6379"]],
      }),
  })
  .superRefine(fitting(conflicts))
export type RedisOptions = z.output<typeof RedisOptions>

function* conflicts(options: RedisOptions): Generator<Conflict> {
  yield* encryptionConflicts(options)
  if (options.admin?.user === options.user)
    yield {
      path: ["admin"],
      message: "admin and user are the same: leave admin out, and the user changes itself",
    }
  const seen = new Set<string>()
  for (const { path, address } of placesOf(options)) {
    const target = sayAddress(address)
    if (seen.has(target)) yield { path, message: "this address is named twice" }
    seen.add(target)
  }
}

/** TLS or clear: the address itself says which. */
function* encryptionConflicts(options: RedisOptions): Generator<Conflict> {
  const { insecure, tls } = options
  const places = placesOf(options)
  for (const { path, address } of places) {
    if (isEncrypted(address) || insecure === true || isLocal(address)) continue
    yield {
      path,
      message:
        "off this machine passwords need verified TLS: write rediss://, or, " +
        "if the traffic cannot be read on the way, insecure: true",
    }
  }
  yield* wayConflicts(
    options,
    places.some(({ address }) => isGuarded(address, isEncrypted(address))),
  )
  const inClear = places.length > 0 && places.every(({ address }) => !isEncrypted(address))
  if (tls !== undefined && insecure !== true && inClear)
    yield { path: ["tls"], message: "tls is for addresses that begin with rediss://" }
}

/** Of the addresses that are understood. */
function placesOf({ address, also = [] }: Pick<RedisOptions, "address" | "also">): readonly {
  readonly path: Conflict["path"]
  readonly address: Parsed
}[] {
  return [
    { path: ["address"], text: address },
    ...also.map((text, index) => ({ path: ["also", index], text })),
  ].flatMap(({ path, text }) =>
    understood(parseAddress, [text]).map((one) => ({ path, address: one })),
  )
}
