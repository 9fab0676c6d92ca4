import { z } from "zod"
import type { Shape } from "../../../base/value-shape.ts"
import { AppError } from "../../../base/error.ts"
import { ReferenceOptions } from "../../references/index.ts"
import { ListenerOption, listenerProblem } from "../listener.ts"
import { MutualTlsOptions } from "../tls-options.ts"
import { shapeOf, valueKeys, valueProblems } from "../value-options.ts"
import { isLocal, parseAddress } from "./address.ts"

/** What a config says about one MariaDB account. Messages are one sentence each and never quote what was given. */

/** It stands in SQL between quotes, whatever the server's sql_mode: so nothing that a quote or a character set could make something else of. */
const Name = z
  .string({ error: "give a name" })
  .refine((name) => /^[!-~]{1,80}$/.test(name) && !/['"`\\]/.test(name), {
    error: "a user's name has 1 to 80 characters of ASCII, without spaces, quotes and backslashes",
  })
const HostPart = z
  .string({ error: "give the host part of the account" })
  .regex(/^[A-Za-z0-9_.%:/-]{1,255}$/, {
    error: "the host part of an account is a name, an address or a pattern with %",
  })

const Address = z
  .string({ error: "give an address: mariadb://host:3306" })
  .superRefine((text, context) => {
    const problem = addressProblem(text)
    if (problem !== undefined) context.addIssue({ code: "custom", message: problem })
  })

/** Characters of a password. */
const valueLimits = { least: 24, most: 256 }

export const Options = z
  .strictObject({
    address: Address,
    /** The user whose password rotates. */
    user: Name,
    /** The host part of its account: 'shop'@'%'. */
    host: HostPart.default("%"),
    /** Who changes it: MariaDB lets nobody give itself a second password. */
    admin: z.strictObject(
      { user: Name, password: ReferenceOptions },
      {
        error:
          "name an admin: { user, password }, for MariaDB lets nobody give itself a second password",
      },
    ),
    /** Verified TLS, which is what happens off this machine anyway; on this machine only if this is given. */
    tls: MutualTlsOptions.optional(),
    /** Allows clear text off this machine. */
    insecure: z.boolean({ error: "say true or false" }).optional(),
    /** The user that the server runs as, where it is of this machine and without TLS; left out, who was seen at the adoption. */
    listener: ListenerOption.optional(),
    ...valueKeys(valueLimits),
  })
  .superRefine((options, context) => {
    const { address, insecure, tls, admin, user } = options
    for (const { path, says } of valueProblems(options, valueLimits))
      context.addIssue({ code: "custom", path: [path], message: says })
    const unguarded = listenerProblem(
      options.listener,
      addressProblem(address) !== undefined ||
        "socket" in parseAddress(address) ||
        (tls === undefined && isLocal(parseAddress(address))),
    )
    const problem = (at: string, message: string): void =>
      context.addIssue({ code: "custom", path: [at], message })
    if (insecure === true && tls !== undefined)
      problem("insecure", "insecure and tls contradict each other: leave one out")
    if (
      tls !== undefined &&
      addressProblem(address) === undefined &&
      "socket" in parseAddress(address)
    )
      problem("tls", "a socket of this machine has no TLS: leave it out")
    if (unguarded !== undefined) problem("listener", unguarded)
    if (admin.user === user)
      problem(
        "admin",
        "admin and user are the same: a rotation needs an admin whose password it does not change",
      )
  })
export type Options = z.output<typeof Options>

/** How its values are made. */
export function valueShape(options: Options): Shape {
  return shapeOf(options, valueLimits)
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
