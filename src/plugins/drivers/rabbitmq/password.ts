import { createHash } from "node:crypto"
import type { Credential } from "../../../core/ports.ts"
import { Secret } from "../../../core/secret.ts"
import { neededPassword } from "../server/version.ts"

/**
 * How RabbitMQ keeps a password: four random bytes, and the hash of them and the password, as
 * base64. It takes the same form, so no password in clear leaves.
 */
export type Stored = { readonly hash: string; readonly algorithm: string }

const algorithms: Readonly<Record<string, "md5" | "sha256" | "sha512">> = {
  rabbit_password_hashing_md5: "md5",
  rabbit_password_hashing_sha256: "sha256",
  rabbit_password_hashing_sha512: "sha512",
}
const saltBytes = 4
const standard = "rabbit_password_hashing_sha256"

export function isKnown({ algorithm }: Stored): boolean {
  return algorithm in algorithms
}

/** What to store for `candidate`: as strong as what the user has now. */
export function storedFor(
  candidate: Credential,
  now: Stored,
  random: (count: number) => Uint8Array,
): Stored {
  const before = storedIn(candidate)
  if (before !== undefined) return before
  const algorithm = algorithms[now.algorithm] === "sha512" ? now.algorithm : standard
  return { algorithm, hash: hashOf(candidate, algorithm, Buffer.from(random(saltBytes))) }
}

/** Version 0, of which only the stored form is known, is compared as it stands. */
export function isHeld(candidate: Credential, now: Stored): boolean {
  const before = storedIn(candidate)
  if (before !== undefined) return before.hash === now.hash && before.algorithm === now.algorithm
  const salt = Buffer.from(now.hash, "base64").subarray(0, saltBytes)
  // Without a hash it holds no password, and lets no client in by one.
  return isKnown(now) && now.hash !== "" && hashOf(candidate, now.algorithm, salt) === now.hash
}

function hashOf(candidate: Credential, algorithm: string, salt: Buffer): string {
  const hash = createHash(algorithms[algorithm] ?? "sha256")
  hash.update(salt).update(neededPassword(candidate).reveal())
  return Buffer.concat([salt, hash.digest()]).toString("base64")
}

/** A field of version 0: "rabbit_password_hashing_sha256 HASH". */
export function verifierOf({ algorithm, hash }: Stored, label: string): Secret {
  return new Secret(`${label} verifier`, `${algorithm} ${hash}`)
}

export function storedIn({ fields }: Credential): Stored | undefined {
  const { verifier } = fields
  if (!(verifier instanceof Secret)) return undefined
  const [algorithm = "", hash = ""] = verifier.reveal().split(" ")
  return { algorithm, hash }
}
