import type { z } from "zod"
import { fitting } from "../server/password-options.ts"
import { conflicts } from "./conflicts.ts"
import { Keys } from "./option-keys.ts"

/** What a config says about one PostgreSQL role, or a pair. */
export const PostgresOptions = Keys.superRefine(fitting(conflicts))
export type PostgresOptions = z.output<typeof PostgresOptions>
