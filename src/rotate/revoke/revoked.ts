import type { Death } from "../death.ts"

/** Without a version: a value that the service accepted and no version holds. */
export type Revoked = { readonly secret: string; readonly version?: string; readonly death: Death }
