import type { DefaultAzureCredential } from "@azure/identity"
import { orAborted } from "../../base/deadline.ts"
import { AppError } from "../../base/error.ts"
import { Secret } from "../../core/secret.ts"
import type { AzureOptions } from "./options.ts"
import type { AzureReach } from "./reach.ts"
import type { Cloud } from "./vault-name.ts"
import { type Claims, claimsIn } from "./claims.ts"
import { loginFault } from "./login-fault.ts"

/** A login, for a while. */
export type Token = { readonly header: Secret; readonly claims: Claims; readonly endsMs: number }

/**
 * Logs in as Azure's own tools do: environment (client secret, certificate), workload identity,
 * managed identity, the Azure CLI. It is their code: its answer is the ecosystem's.
 */
export async function logIn(
  cloud: Cloud,
  azure: AzureOptions,
  reach: AzureReach,
  signal: AbortSignal,
): Promise<Token> {
  const { tenant } = azure
  try {
    const credential = await chain(cloud, azure, reach)
    const found = await orAborted(
      credential.getToken(`${cloud.audience}/.default`, {
        abortSignal: signal,
        ...(tenant === undefined ? {} : { tenantId: tenant }),
      }),
      signal,
    )
    return {
      header: new Secret("Azure's token", `Bearer ${tokenOf(found.token)}`),
      claims: claimsIn(found.token),
      endsMs: found.expiresOnTimestamp,
    }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof AppError) throw error
    throw loginFault(error)
  }
}

/** Where logins are made, as Azure's own tools are told. */
export function loginHost(cloud: Cloud, { env }: AzureReach): string {
  const named = env("AZURE_AUTHORITY_HOST")
  return named === undefined || named === "" ? cloud.login : named
}

async function chain(
  cloud: Cloud,
  { tenant, client }: AzureOptions,
  reach: AzureReach,
): Promise<DefaultAzureCredential> {
  const { DefaultAzureCredential: Chain } = await import("@azure/identity")
  return new Chain({
    authorityHost: loginHost(cloud, reach),
    // Who may log in where is said by the config and the environment, not by a third host.
    disableInstanceDiscovery: true,
    redirectOptions: { maxRetries: 0 },
    ...(tenant === undefined ? {} : { tenantId: tenant, additionallyAllowedTenants: [tenant] }),
    ...(client === undefined
      ? {}
      : { managedIdentityClientId: client, workloadIdentityClientId: client }),
  })
}

function tokenOf(text: string): string {
  if (!/^[!-~]{1,65536}$/.test(text))
    throw new AppError("answer-malformed", "the login at Azure gave no token", {
      hint: "does AZURE_AUTHORITY_HOST, or IDENTITY_ENDPOINT, name a login of Azure?",
    })
  return text
}
