import { z } from "zod"
import type { Shape } from "../../../base/value-shape.ts"
import { AppError } from "../../../base/error.ts"
import { ReferenceOptions } from "../../references/index.ts"
import { listenerOption, listenerProblem } from "../server/listener.ts"
import { insecureOption, MutualTlsOptions } from "../server/tls-options.ts"
import { shapeOf, valueKeys, valueProblems } from "../value-options.ts"
import { isLocal, parseAddress } from "./address.ts"

/**
 * What a config says about one MariaDB account. Messages are one sentence each and never quote what
 * was given.
 */

/**
 * It stands in SQL between quotes, whatever the server's sql_mode: so nothing that a quote or a
 * character set could make something else of.
 */
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
    address: Address.meta({
      description: "The server, or a unix socket",
      examples: ["mariadb://orders.internal:3306", "mariadb:///run/mysqld/mysqld.sock"],
    }),
    user: Name.meta({
      description: "The user of the account whose password rotates",
      examples: ["orders"],
    }),
    host: HostPart.default("%").meta({
      description: "The host part of the account: 'orders'@'%'",
      examples: ["10.0.%"],
    }),
    admin: z
      .strictObject(
        {
          user: Name.meta({
            description: "The user that may change accounts",
            examples: ["rotator"],
          }),
          password: ReferenceOptions.meta({ description: "The admin's password" }),
        },
        {
          error:
            "name an admin: { user, password }, for MariaDB lets nobody give itself a second password",
        },
      )
      .meta({
        description: "Who changes the password: no MariaDB user can give itself a second one",
      }),
    tls: MutualTlsOptions.optional().meta({
      description:
        "Verified TLS; off this machine it is used even if this is left out, on this machine only if this is given",
    }),
    insecure: insecureOption,
    listener: listenerOption,
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
