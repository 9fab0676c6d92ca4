import type { Death } from "../death.ts"

/** Without a version: what a service accepted that nobody has told us of. */
export type Revoked = { readonly secret: string; readonly version?: string; readonly death: Death }
