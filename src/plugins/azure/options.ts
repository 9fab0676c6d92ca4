import { z } from "zod"
import { endpointKeys, guardProblems } from "../drivers/server/api-endpoint.ts"
import { hostOf, parseVault, type VaultName } from "./vault-name.ts"

/** What a config says about a secret in Azure Key Vault. Messages never quote what was given. */

export function vaultKey() {
  return z
    .string({ error: "name the vault: shop-prod" })
    .refine((text) => parseVault(text) !== undefined, {
      error:
        "a vault's name has 3 to 24 letters, digits and single hyphens; or give its address, " +
        "https://NAME.vault.azure.net (azure.endpoint is for any other address)",
    })
    .meta({ description: "The vault's name, or its address", examples: ["shop-prod"] })
}

export function azureSecretKey() {
  return z
    .string({ error: "name the secret" })
    .regex(/^[0-9A-Za-z-]{1,127}$/, "a secret's name has letters, digits and hyphens, up to 127")
    .meta({ description: "The secret's name in the vault", examples: ["rotator"] })
}

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export function azureKeys() {
  return z
    .strictObject({
      tenant: z
        .string({ error: "give the tenant's id" })
        .regex(guid, "a tenant is named by its id: az account show --query tenantId prints it")
        .transform((text) => text.toLowerCase())
        .optional()
        .meta({
          description: "The id of the vault's tenant, if the login is at home in another one",
          examples: ["9f3e0c1d-5f0b-4a9f-8a4e-2d1c7b6a5e4f"],
        }),
      client: z
        .string({ error: "give the client id" })
        .regex(guid, "a client is named by its id")
        .transform((text) => text.toLowerCase())
        .optional()
        .meta({
          description:
            "The client id of a managed identity or a workload identity; " +
            "left out, AZURE_CLIENT_ID or the machine's own",
          examples: ["1b2c3d4e-5f60-4718-8a9b-0c1d2e3f4a5b"],
        }),
      ...endpointKeys("the vault's public address", "https://vault-proxy.internal"),
    })
    .superRefine((azure, context) => {
      for (const { key, message } of guardProblems(azure))
        context.addIssue({ code: "custom", path: [key], message })
    })
}

export type AzureOptions = z.output<ReturnType<typeof azureKeys>>

export function azureKey() {
  return azureKeys()
    .default({})
    .meta({
      description: "As whom, and by which address, if not the usual ones",
      examples: [{ tenant: "9f3e0c1d-5f0b-4a9f-8a4e-2d1c7b6a5e4f" }],
    })
}

/** A secret, wherever the config names it. */
export type AzurePlace = {
  readonly vault: VaultName
  readonly secret: string
  readonly azure: AzureOptions
}

export function azurePlace(vault: string, secret: string, azure: AzureOptions): AzurePlace {
  const parsed = parseVault(vault)
  // The schema has let no other pass.
  if (parsed === undefined) throw new TypeError("no vault")
  return { vault: parsed, secret, azure }
}

/** Canonical: a vault's name is unique, and Azure tells no upper case from lower case in both names. */
export function azureId({ vault, secret }: Omit<AzurePlace, "azure">): string {
  return `azure:${hostOf(vault)}:${secret.toLowerCase()}`
}

/** The whole of a reference. */
export function azureReference() {
  return z.strictObject({
    azure_secret: z
      .strictObject({
        vault: vaultKey(),
        secret: azureSecretKey(),
        field: z
          .string()
          .min(1, "name the field that holds the credential")
          .optional()
          .meta({
            description: "The field of the secret's JSON object; left out, all of its text",
            examples: ["password"],
          }),
        azure: azureKey(),
      })
      .meta({ description: "A secret in Azure Key Vault" }),
  })
}
