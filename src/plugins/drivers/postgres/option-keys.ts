import { z } from "zod"
import { ReferenceOptions } from "../../references/index.ts"
import { ListenerOption } from "../listener.ts"
import { TlsOptions } from "../tls-options.ts"
import { valueKeys } from "../value-options.ts"
import { addressProblem } from "./address.ts"

/** The keys of a PostgreSQL role, or a pair, each judged by itself. Messages are one sentence each and never quote what was given. */

/** What PostgreSQL takes as a name: NAMEDATALEN - 1 bytes (manual, Identifiers and Key Words); without control characters, for it stands in messages. */
const Name = z
  .string({ error: "give a name" })
  .refine((name) => name !== "" && Buffer.byteLength(name) <= 63 && !/\p{Cc}/u.test(name), {
    error: "a name in PostgreSQL has 1 to 63 bytes, none of them a control character",
  })

const Address = z
  .string({ error: "give an address: postgresql://host:5432/database" })
  .superRefine((text, context) => {
    const problem = addressProblem(text)
    if (problem !== undefined) context.addIssue({ code: "custom", message: problem })
  })

const Admin = z.strictObject({
  user: Name,
  password: ReferenceOptions,
  /** Where the admin logs in; the address's database, or "postgres". */
  database: Name.optional(),
})

/** Characters of a password. */
export const valueLimits = { least: 24, most: 256 }

export const Keys = z.strictObject({
  address: Address,
  /** Its standbys: a value counts once each of them has it, and is dead once each has lost it. */
  also: z
    .array(Address, { error: "give a list of addresses: [postgresql://host:5432]" })
    .min(1, { error: "name a standby, or leave also out" })
    .optional(),
  /** The role whose password rotates. */
  role: Name.optional(),
  /** Instead of `role`: two that take turns, so that no login ever fails. */
  roles: z
    .tuple([Name, Name], { error: "give the names of two roles: [shop_blue, shop_green]" })
    .optional(),
  /** Owns the objects of a pair; both roles are members of it, and it cannot log in. */
  owner: Name.optional(),
  /** Who changes it; without one the role changes its own. A pair needs one. */
  admin: Admin.optional(),
  tls: TlsOptions.optional(),
  /** Takes away the demand for verified TLS off this machine. */
  insecure: z.boolean({ error: "say true or false" }).optional(),
  /** The user that the server runs as, where it is of this machine and without TLS; left out, who was seen at the adoption. */
  listener: ListenerOption.optional(),
  /** What ALTER ROLE carries; "plaintext" only for a server that takes no verifier. */
  send: z.enum(["verifier", "plaintext"], { error: 'say "verifier" or "plaintext"' }).optional(),
  ...valueKeys(valueLimits),
})
export type Keys = z.output<typeof Keys>
