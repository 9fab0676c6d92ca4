import { bun } from "./bun.ts"
import { compose } from "./compose.ts"
import { docker } from "./docker.ts"
import { dotenv } from "./dotenv.ts"
import { expand } from "./expand.ts"
import { github } from "./github.ts"
import { node } from "./node.ts"
import { portable } from "./portable.ts"
import { python } from "./python.ts"
import type { Reader } from "./reader.ts"
import { shell } from "./shell.ts"
import { systemd } from "./systemd.ts"

/** By the name in the config: `for: compose`. */
export const readers = {
  portable,
  compose,
  docker,
  systemd,
  shell,
  dotenv,
  node,
  bun,
  expand,
  python,
  github,
} as const satisfies Readonly<Record<string, Reader>>
export type ReaderName = keyof typeof readers
