import { drivers } from "./drivers/index.ts"
import { healths } from "./healths/index.ts"
import { outputs } from "./outputs/index.ts"
import { restarters } from "./restarters/index.ts"

/** All that the binary has: what a state may name, whatever the config says today. */
export const plugins = { drivers, outputs, restarters, healths } as const
