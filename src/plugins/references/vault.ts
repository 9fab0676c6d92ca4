import { z } from "zod"
import { defineReference } from "../../core/define.ts"
import { once } from "../../core/once.ts"
import { entryId, vaultReference } from "../vault/options.ts"

const Options = once(() => z.lazy(vaultReference))

/**
 * A field of an entry in HashiCorp Vault or OpenBao; its schema and its client load where a config
 * names one.
 */
export const vault = defineReference({
  type: "vault",
  summary: "a field of an entry in HashiCorp Vault or OpenBao (KV version 2)",
  options: Options,
  place: ({ vault: entry }) => `the field ${entry.field} of ${entryId(entry)}`,
  read: async ({ vault: entry }, reach) => {
    const { readField } = await import("../vault/read-field.ts")
    return readField(entry, reach)
  },
})
