import { dotenv } from "./dotenv/index.ts"

/** Every output in the binary. To add one: a file (or a folder) beside this one, a line here. */
export const outputs = [dotenv] as const
