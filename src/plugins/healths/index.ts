import { command } from "./command.ts"
import { container } from "./container.ts"
import { http } from "./http.ts"
import { tcp } from "./tcp.ts"

/**
 * Every health check in the binary. To add one: a file beside this one, a line here and one in
 * ../named.ts.
 */
export const healths = [command, container, http, tcp] as const
