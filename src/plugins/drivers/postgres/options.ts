import { z } from "zod"
import { AppError } from "../../../base/error.ts"
import { ReferenceOptions } from "../../references/index.ts"
import { isLocal, parseAddress } from "./address.ts"

/** What a config says about one PostgreSQL role. Messages are one sentence each and never quote what was given. */

const path = { error: "give the path of a file" }

/** What PostgreSQL takes as a name: NAMEDATALEN - 1 bytes (manual, Identifiers and Key Words); without control characters, for it stands in messages. */
const Name = z
  .string({ error: "give a name" })
  .refine((name) => name !== "" && Buffer.byteLength(name) <= 63 && !/\p{Cc}/u.test(name), {
    error: "a name in PostgreSQL has 1 to 63 bytes, none of them a control character",
  })

const Address = z.string({ error: "give an address: postgresql://host:5432/database" }).superRefine((text, context) => {
  const problem = addressProblem(text)
  if (problem !== undefined) context.addIssue({ code: "custom", message: problem })
})

const Admin = z.strictObject({
  user: Name,
  password: ReferenceOptions,
  /** Where the admin logs in; the address's database, or "postgres". */
  database: Name.optional(),
})

const Tls = z.strictObject({
  /** The authority's certificate (PEM); the system's authorities if left out. */
  ca: z.string(path).min(1, path).optional(),
  /** The name in the server's certificate; the address's host if left out. */
  name: z.string({ error: "give the name in the server's certificate" }).min(1).optional(),
})

export const Options = z
  .strictObject({
    address: Address,
    /** The role whose password rotates. */
    role: Name,
    /** Who changes it; without one the role changes its own. */
    admin: Admin.optional(),
    tls: Tls.optional(),
    /** Takes away the demand for verified TLS off this machine. */
    insecure: z.boolean({ error: "say true or false" }).optional(),
    /** What ALTER ROLE carries; "plaintext" only for a server that takes no verifier. */
    send: z.enum(["verifier", "plaintext"], { error: 'say "verifier" or "plaintext"' }).optional(),
    /** Characters of a new password. */
    length: z
      .int({ error: "give a number of characters from 24 to 256" })
      .min(24, { error: "24 characters at least" })
      .max(256, { error: "256 characters at most" })
      .optional(),
  })
  .superRefine((options, context) => {
    for (const { path, says } of conflicts(options)) context.addIssue({ code: "custom", path: [path], message: says })
  })
export type Options = z.output<typeof Options>

type Conflict = { readonly path: string; readonly says: string }

function conflicts(options: Options): readonly Conflict[] {
  const found: Conflict[] = []
  if (options.admin?.user === options.role) {
    found.push({ path: "admin", says: "admin and role are the same: leave admin out, for a role may change its own password" })
  }
  if (options.insecure === true && options.tls !== undefined) {
    found.push({ path: "insecure", says: "insecure and tls contradict each other: leave one out" })
  }
  if (options.send === "plaintext" && options.insecure === true && !isLocalAddress(options.address)) {
    found.push({ path: "send", says: "a password in plain text needs verified TLS on the way: take insecure out" })
  }
  return found
}

/** An address that is not understood has a problem of its own; that one is enough. */
function isLocalAddress(text: string): boolean {
  return addressProblem(text) !== undefined || isLocal(parseAddress(text))
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
