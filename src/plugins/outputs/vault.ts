import { z } from "zod"
import { AppError } from "../../base/error.ts"
import { present } from "../../base/present.ts"
import { defineOutput, type OutputContext } from "../../core/define.ts"
import { VaultEntry } from "../vault/entry.ts"
import { entryId, entryKeys } from "../vault/options.ts"
import type { VaultReach } from "../vault/reach.ts"
import { entryOptions, inspectFields, readersIn } from "./entry/options.ts"
import { openEntry } from "./entry/output.ts"

const Options = z.strictObject({
  vault: z.strictObject(entryKeys()).meta({
    description: "The entry to write: its other fields, if any, stay as they are",
  }),
  ...entryOptions(),
})

/** Fields of an entry in HashiCorp Vault or OpenBao. */
export const vault = defineOutput({
  type: "vault",
  summary: "fields of an entry in HashiCorp Vault or OpenBao (KV version 2)",
  entry: true,
  options: Options,
  target: (options) => entryId(options.vault),
  readers: ({ readers }) => readersIn(readers),
  inspect: ({ variables }) => inspectFields(variables),
  open: ({ vault: place, variables, create, readers }, context) =>
    openEntry({
      entry: new VaultEntry(place, () => reachOf(context)),
      variables,
      create,
      ...present({ readers: readersIn(readers) }),
    }),
})

function reachOf({ folder, manager }: OutputContext): VaultReach {
  if (manager === undefined)
    throw new AppError("internal", "an entry was asked without a way there")
  return { folder, ...manager }
}
