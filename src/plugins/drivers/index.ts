import { exec } from "./exec/index.ts"
import { generated } from "./generated.ts"
import { mariadb } from "./mariadb/index.ts"
import { postgres } from "./postgres/index.ts"
import { rabbitmq } from "./rabbitmq/index.ts"
import { redis } from "./redis/index.ts"

/**
 * Every driver in the binary. To add one: a file (or a folder) beside this one, a line here and one
 * in ../named.ts.
 */
export const drivers = [exec, generated, mariadb, postgres, rabbitmq, redis] as const
