import { z } from "zod"
import type { Shape } from "../../../base/value-shape.ts"
import { AppError } from "../../../base/error.ts"
import { ReferenceOptions } from "../../references/index.ts"
import { listenerOption, listenerProblem } from "../server/listener.ts"
import { insecureOption, MutualTlsOptions } from "../server/tls-options.ts"
import { shapeOf, valueKeys, valueProblems } from "../value-options.ts"
import { type Address as Parsed, isLocal, parseAddress, sayAddress } from "./address.ts"

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

const Address = z
  .string({ error: "give an address: redis://host:6379" })
  .superRefine((text, context) => {
    const problem = addressProblem(text)
    if (problem !== undefined) context.addIssue({ code: "custom", message: problem })
  })

const Admin = z.strictObject({
  user: Name.default("default").meta({
    description: "The user that may change users",
    examples: ["rotator"],
  }),
  password: ReferenceOptions.meta({ description: "The admin's password" }),
})

/** Characters of a password. */
const valueLimits = { least: 24, most: 256 }

export const Options = z
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
    tls: MutualTlsOptions.optional().meta({
      description: "For addresses that begin with rediss://",
    }),
    insecure: insecureOption,
    listener: listenerOption,
    ...valueKeys(valueLimits),
    also: z
      .array(Address, { error: "give a list of addresses" })
      .optional()
      .meta({
        description: "Every other node that has this user: Redis replicates data, not users",
        examples: [["rediss://replica.internal:6379"]],
      }),
  })
  .superRefine((options, context) => {
    for (const { path, says } of valueProblems(options, valueLimits))
      context.addIssue({ code: "custom", path: [path], message: says })
    for (const { path, says } of conflicts(options))
      context.addIssue({ code: "custom", path: [...path], message: says })
  })
export type Options = z.output<typeof Options>

/** How its values are made. */
export function valueShape(options: Options): Shape {
  return shapeOf(options, valueLimits)
}

type Conflict = { readonly path: readonly (string | number)[]; readonly says: string }

function conflicts(options: Options): readonly Conflict[] {
  const found: Conflict[] = [...wayConflicts(options)]
  if (options.admin?.user === options.user) {
    found.push({
      path: ["admin"],
      says: "admin and user are the same: leave admin out, and the user changes itself",
    })
  }
  const seen = new Set<string>()
  for (const { path, text } of placesOf(options)) {
    if (addressProblem(text) !== undefined) continue
    const place = sayAddress(parseAddress(text))
    if (seen.has(place)) found.push({ path, says: "this address is named twice" })
    seen.add(place)
  }
  return found
}

/** TLS or clear: an address that is not understood has a problem of its own; that one is enough. */
function wayConflicts({ insecure, tls, listener, ...options }: Options): readonly Conflict[] {
  const addresses = placesOf(options).filter(({ text }) => addressProblem(text) === undefined)
  const found: Conflict[] = []
  for (const { path, text } of addresses) {
    const address = parseAddress(text)
    if ("socket" in address || address.tls || insecure === true || isLocal(address)) continue
    found.push({
      path,
      says: "off this machine passwords need verified TLS: write rediss://, or, where nobody can listen on the way, insecure: true",
    })
  }
  const unguarded = listenerProblem(
    listener,
    addresses.some(({ text }) => isClear(parseAddress(text))),
  )
  if (unguarded !== undefined) found.push({ path: ["listener"], says: unguarded })
  if (insecure === true && tls !== undefined)
    found.push({
      path: ["insecure"],
      says: "insecure and tls contradict each other: leave one out",
    })
  else if (
    tls !== undefined &&
    addresses.length > 0 &&
    addresses.every(({ text }) => !/^rediss:/i.test(text))
  ) {
    found.push({ path: ["tls"], says: "tls is for addresses that begin with rediss://" })
  }
  return found
}

/** Of this machine, without TLS. */
function isClear(address: Parsed): boolean {
  return "socket" in address || (!address.tls && isLocal(address))
}

function placesOf({ address, also }: Pick<Options, "address" | "also">): readonly {
  readonly path: readonly (string | number)[]
  readonly text: string
}[] {
  return [
    { path: ["address"], text: address },
    ...(also ?? []).map((text, index) => ({ path: ["also", index], text })),
  ]
}

function addressProblem(text: string): string | undefined {
  try {
    parseAddress(text)
    return undefined
  } catch (error) {
    if (error instanceof AppError) return error.message
    throw error
  }
}
