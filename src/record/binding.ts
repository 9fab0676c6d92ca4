import { AppError } from "../base/error.ts"
import { recipientOf } from "../core/seal.ts"

/**
 * Whose keys these are. Anyone who knows a public key can seal keys to us; only one who has the
 * secret key can bind them to it: an HMAC-SHA-256 under a key derived (HKDF-SHA-256) from the
 * identity. It lies sealed beside the keys, one for each identity that has written them, by its
 * public key.
 */
export type Bindings = Readonly<Record<string, string>>
export type StoreKeys = { readonly mac: Buffer; readonly fingerprint: Buffer }

/** A change of what is bound, or how, has a version of its own. */
const salt = "mycelium"
const purpose = "keys.age binding v1"

/**
 * The line that holds an identity names it in one way only, so it is as good as the bytes that it
 * encodes.
 */
function bind(identity: string, { mac, fingerprint }: StoreKeys): Buffer {
  // RFC 5869: one block is all that 32 bytes take. Node's own would take four milliseconds to load.
  const key = hmac(hmac(salt, identity.trim()), `${purpose}\u0001`)
  return hmac(
    key,
    JSON.stringify([purpose, mac.toString("base64"), fingerprint.toString("base64")]),
  )
}

function hmac(key: string | Buffer, text: string): Buffer {
  return Buffer.from(new Bun.CryptoHasher("sha256", key).update(text).digest())
}

/** Those of before, as far as their identities still are recipients, and ours. */
export async function bindings(
  keys: StoreKeys,
  {
    identities,
    recipients,
  }: { readonly identities: readonly string[]; readonly recipients: readonly string[] },
  before: Bindings,
): Promise<Bindings> {
  const kept = Object.entries(before).filter(([recipient]) => recipients.includes(recipient))
  const ours = await Promise.all(
    identities.map(
      async (identity) =>
        [await recipientOf(identity), bind(identity, keys).toString("base64")] as const,
    ),
  )
  return Object.fromEntries([...kept, ...ours])
}

/**
 * Throws unless one of these identities has bound these keys, and none of them is named falsely.
 */
export async function checkBinding(
  path: string,
  keys: StoreKeys,
  { identities, bound }: { readonly identities: readonly string[]; readonly bound: Bindings },
): Promise<void> {
  let verified = false
  for (const identity of identities) {
    const given = bound[await recipientOf(identity)]
    if (given === undefined) continue
    const [theirs, right] = [Buffer.from(given, "base64"), bind(identity, keys)]
    if (theirs.length !== right.length || !crypto.timingSafeEqual(theirs, right)) throw forged(path)
    verified = true
  }
  if (!verified) throw unverified(path)
}

function forged(path: string): AppError {
  return new AppError(
    "keys-forged",
    `${path} was not made with this identity, though it says so: the store was forged, ` +
      "or its keys were put together by hand",
    {
      hint:
        "trust nothing in this store: find out who can write there, and restore all of it from " +
        "a backup from before; nothing was changed",
    },
  )
}

function unverified(path: string): AppError {
  return new AppError(
    "keys-unverified",
    `${path} is sealed to this identity, but was never bound to it: this identity did not make it`,
    {
      hint:
        "where this identity has worked in this store before, it was forged: " +
        "restore the store from a backup; for a break-glass identity, " +
        "or a store of an older build: hold the logs against heads that left the machine " +
        "(mycelium audit verify --heads FILE), then mycelium rekey --trust-store",
    },
  )
}
