import { z } from "zod"
import { defineReference } from "../../core/define.ts"
import { once } from "../../core/once.ts"
import { azureId, azurePlace, azureReference } from "../azure/options.ts"

const Options = once(() => z.lazy(azureReference))

/** A secret in Azure Key Vault; its schema and its client load where a config names one. */
export const azureSecret = defineReference({
  type: "azure_secret",
  summary: "a secret in Azure Key Vault, or one field of it",
  options: Options,
  place: ({ azure_secret: { vault, secret, field, azure } }) => {
    const id = azureId(azurePlace(vault, secret, azure))
    return field === undefined ? `the secret ${id}` : `the field ${field} of ${id}`
  },
  read: async ({ azure_secret: { vault, secret, field, azure } }, reach) => {
    const { readSecret } = await import("../azure/read-field.ts")
    return readSecret(azurePlace(vault, secret, azure), field, reach)
  },
  inspect: async ({ azure_secret: { vault, secret, field, azure } }, reach, signal) => {
    const { inspectSecret } = await import("../azure/read-field.ts")
    return inspectSecret(azurePlace(vault, secret, azure), field, reach, signal)
  },
})
