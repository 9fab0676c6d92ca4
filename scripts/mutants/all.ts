import { engine } from "./engine.ts"
import { ofEntries } from "./entries.ts"
import { ground } from "./ground.ts"
import { laws } from "./laws.ts"
import type { Mutant } from "./mutant.ts"
import { outputs } from "./outputs.ts"
import { recovery } from "./recovery.ts"

export const allMutants: readonly Mutant[] = [
  ...engine,
  ...recovery,
  ...outputs,
  ...laws,
  ...ground,
  ...ofEntries,
]
