import { createHash } from "node:crypto"
import { AppError } from "../../../base/error.ts"
import type { Credential } from "../../../core/ports.ts"
import { Secret } from "../../../core/secret.ts"
import { neededPassword } from "../server/version.ts"
import { type PostgresTarget } from "./target.ts"
import { makeVerifier } from "./scram.ts"

/**
 * A version as PostgreSQL sees it: `{ user, password, salt }`; adopted: without `salt`; version 0:
 * `{ user, verifier }`.
 */

/** The role of a version. A version that was adopted may not name it. */
export function roleOf({ roles }: PostgresTarget, { fields }: Credential): string {
  const role = typeof fields["user"] === "string" ? fields["user"] : roles[0]
  if (role === undefined)
    throw new AppError("account-missing", "neither the version nor the config names a role")
  return role
}

/** What the server held before the first rotation, as it holds it. */
export function storedVerifierOf({ fields }: Credential): string | undefined {
  return fields["verifier"] instanceof Secret ? fields["verifier"].reveal() : undefined
}

/**
 * What ALTER ROLE is given. Always the same for the same version: a second `apply` changes nothing,
 * and a pooler can be given it too.
 */
export async function newPassword(target: PostgresTarget, candidate: Credential): Promise<string> {
  const stored = storedVerifierOf(candidate)
  if (stored !== undefined) return stored
  const password = neededPassword(candidate)
  if (target.options.send === "plaintext") return password.reveal()
  return makeVerifier(password, saltOf(target, candidate))
}

/**
 * 16 bytes, as PostgreSQL's own. Drawn with the version; for an adopted one, which has none, fixed
 * by its id and the state it is in.
 */
function saltOf({ context }: PostgresTarget, { version, fields }: Credential): Buffer {
  const salt = fields["salt"] instanceof Secret ? fields["salt"].reveal() : undefined
  if (salt === undefined) return digest(`mycelium-salt${version}${context.owner}`)
  // 16 bytes in base64 as such; random text, which never ends in "==", by its hash.
  return /^[A-Za-z0-9+/]{22}==$/.test(salt) ? Buffer.from(salt, "base64") : digest(salt)
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest().subarray(0, 16)
}
