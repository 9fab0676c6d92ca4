import type { Config } from "./model.ts"

/** Of what the config means: an edit of a comment changes nothing; templates that it names count. */
export function configDigest(config: Config): string {
  return new Bun.CryptoHasher("sha256").update(JSON.stringify(config)).digest("hex")
}
