import { exec } from "./exec/index.ts"
import { generated } from "./generated.ts"
import { postgres } from "./postgres/index.ts"
import { redis } from "./redis/index.ts"

/** Every driver in the binary. To add one: a file (or a folder) beside this one, a line here. */
export const drivers = [exec, generated, postgres, redis] as const
