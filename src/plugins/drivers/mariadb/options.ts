import { z } from "zod"
import {
  addressOption,
  type Conflict,
  isGuarded,
  understood,
  wayConflicts,
  wayKeys,
} from "../server/options.ts"
import { adminPassword, fitting, passwordKeys } from "../server/password-options.ts"
import { parseAddress } from "./address.ts"

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

const Address = addressOption(parseAddress, "mariadb://host:3306")

export const MariadbOptions = z
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
          password: adminPassword,
        },
        {
          error:
            "name an admin: { user, password }, because MariaDB lets no account give itself a " +
            "second password",
        },
      )
      .meta({
        description: "Who changes the password: no MariaDB user can give itself a second one",
      }),
    ...wayKeys(
      "Verified TLS; off this machine it is used even if this is left out, " +
        "on this machine only if this is given",
    ),
    ...passwordKeys,
  })
  .superRefine(fitting(conflicts))
export type MariadbOptions = z.output<typeof MariadbOptions>

function* conflicts(options: MariadbOptions): Generator<Conflict> {
  const { address, tls, admin, user } = options
  const places = understood(parseAddress, [address])
  yield* wayConflicts(
    options,
    places.every((one) => isGuarded(one, tls !== undefined)),
  )
  if (tls !== undefined && places.some((one) => "socket" in one))
    yield { path: ["tls"], message: "a socket of this machine has no TLS: leave it out" }
  if (admin.user === user)
    yield {
      path: ["admin"],
      message:
        "admin and user are the same: a rotation needs an admin whose password it does not change",
    }
}
