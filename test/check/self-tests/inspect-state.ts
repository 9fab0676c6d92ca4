import { state as check, type States } from "../../../src/check/self-tests/state.ts"
import type { StateDocument } from "../../../src/core/state.ts"
import { found, now } from "./looks.ts"

export const inspect = (
  document: StateDocument | undefined,
  more: { readonly secrets?: readonly string[]; readonly strange?: States["strange"] } = {},
): Promise<readonly string[]> =>
  found(check, {
    environments: [{ name: "production", document, secrets: more.secrets ?? ["db"] }],
    unreadable: [],
    strange: more.strange ?? [],
    now,
  })
