import { z } from "zod"
import { addressOption, wayKeys } from "../server/options.ts"
import { adminPassword, passwordKeys } from "../server/password-options.ts"
import { parseAddress } from "./address.ts"

/**
 * The keys of a PostgreSQL role, or a pair, each judged by itself. Messages are one sentence each
 * and never quote what was given.
 */

/**
 * What PostgreSQL takes as a name: NAMEDATALEN - 1 bytes (manual, Identifiers and Key Words);
 * without control characters, for it stands in messages.
 */
const Name = z
  .string({ error: "give a name" })
  .refine((name) => name !== "" && Buffer.byteLength(name) <= 63 && !/\p{Cc}/u.test(name), {
    error: "a name in PostgreSQL has 1 to 63 bytes, none of them a control character",
  })

const Address = addressOption(parseAddress, "postgresql://host:5432/database")

const Admin = z.strictObject({
  user: Name.meta({
    description: "The role that logs in to change passwords",
    examples: ["rotator"],
  }),
  password: adminPassword,
  database: Name.optional().meta({
    description: "Where the admin logs in; else the address's database, else postgres",
    examples: ["postgres"],
  }),
})

export const Keys = z.strictObject({
  address: Address.meta({
    description: "The server and a database to log in to, or a unix socket's folder",
    examples: ["postgresql://db.internal:5432/shop", "postgresql:///shop?host=/run/postgresql"],
  }),
  also: z
    .array(Address, { error: "give a list of addresses: [postgresql://host:5432]" })
    .min(1, { error: "name a standby, or leave also out" })
    .optional()
    .meta({
      description:
        "Standbys of the server: a value counts once each of them takes it, and is dead once each refuses it",
      examples: [["postgresql://standby.internal:5432/shop"]],
    }),
  role: Name.optional().meta({
    description: "The role whose password rotates; this or roles",
    examples: ["shop"],
  }),
  roles: z
    .tuple([Name, Name], { error: "give the names of two roles: [shop_blue, shop_green]" })
    .optional()
    .meta({
      description: "Instead of role: two roles that take turns, so that no login fails",
      examples: [["shop_blue", "shop_green"]],
    }),
  owner: Name.optional().meta({
    description:
      "For roles: the role that owns their objects. Both are members of it, and it cannot log in",
    examples: ["shop_owner"],
  }),
  admin: Admin.optional().meta({
    description: "Who changes the password; without it the role changes its own. roles need one",
  }),
  ...wayKeys("Verified TLS; off this machine it is used even if this is left out"),
  send: z
    .enum(["verifier", "plaintext"], { error: 'say "verifier" or "plaintext"' })
    .optional()
    .meta({
      description:
        "What ALTER ROLE carries; plaintext is for a server that takes no SCRAM verifier",
      default: "verifier",
      examples: ["plaintext"],
    }),
  ...passwordKeys,
})
export type Keys = z.output<typeof Keys>
