import { command } from "./command.ts"
import { compose } from "./compose/index.ts"
import { signal } from "./signal.ts"
import { systemd } from "./systemd/index.ts"

/**
 * Every restarter in the binary. To add one: a file beside this one, a line here and one in
 * ../named.ts.
 */
export const restarters = [command, compose, signal, systemd] as const
