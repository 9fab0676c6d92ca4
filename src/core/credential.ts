import type { Secret } from "./secret.ts"

/** Values, opened. */

/** What a version consists of, by field: `{ user: "shop", password: Secret, salt: Secret }`. */
export type Fields = Readonly<Record<string, string | Secret>>
/** A version, opened. `acceptedAt` is the service's own clock, kept for the driver that said it. */
export type Credential = {
  readonly version: string
  readonly fields: Fields
  readonly acceptedAt?: string
  /**
   * For outputs: the fields of the version that lives beside it now, or will once it is current;
   * left out where there is none.
   */
  readonly previous?: Fields
}
export type Versions = {
  readonly current?: Credential
  readonly previous?: Credential
  readonly pending?: Credential
  readonly uncertain: readonly Credential[]
  /** For a look at a service: what was taken away, and may stand there again. */
  readonly retired?: readonly Credential[]
}
