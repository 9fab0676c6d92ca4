import { AppError } from "../../base/error.ts"

/** Why no login was made, in our codes. The library's own text may quote files and what programs printed. */

const works =
  "az account get-access-token --resource https://vault.azure.net must work for the same identity"

/** Microsoft's numbers (AADSTS…), and what they mean. */
const numbered: Readonly<Record<string, { readonly why: string; readonly hint: string }>> = {
  "7000215": {
    why: "the client secret is wrong",
    hint:
      "AZURE_CLIENT_SECRET holds the secret's value, not its id; az ad app credential reset " +
      "makes a new one",
  },
  "7000222": {
    why: "the client secret has expired",
    hint: "az ad app credential reset makes a new one; a federated or managed identity needs none",
  },
  "700016": {
    why: "the tenant knows no such application",
    hint: "correct AZURE_CLIENT_ID and AZURE_TENANT_ID",
  },
  "90002": { why: "there is no such tenant", hint: "correct AZURE_TENANT_ID, or azure.tenant" },
  "700027": {
    why: "the certificate is not one of the application",
    hint:
      "upload the certificate that AZURE_CLIENT_CERTIFICATE_PATH names: " +
      "az ad app credential reset --cert",
  },
  "70021": {
    why: "no federated credential of the application fits the token",
    hint: "issuer, subject and audience must be the same: az ad app federated-credential list",
  },
  "700213": {
    why: "no federated credential of the application fits the token's subject",
    hint: "the subject must be the same, to the letter: az ad app federated-credential list",
  },
  "50173": { why: "the login was revoked", hint: "log in anew: az login" },
  "700082": { why: "the login has expired", hint: "log in anew: az login" },
}

export function loginFault(error: unknown): AppError {
  const [name, said] = error instanceof Error ? [error.name, error.message] : ["", ""]
  const [, number = ""] = /AADSTS(\d{4,8})/.exec(said) ?? []
  if (number === "700024") return skewed()
  if (number !== "") return refused(number)
  if (/CredentialUnavailable|AggregateAuthentication/.test(name) || isIncomplete(said))
    return notFound()
  return new AppError("azure-login-unanswered", "the login at Azure had no usable answer", {
    remedy: "retry",
    hint:
      "login.microsoftonline.com, or the machine's identity endpoint, must be reachable from here, " +
      `without a proxy that puts in a certificate of its own; ${works}`,
  })
}

function refused(number: string): AppError {
  const known = numbered[number]
  const why = known === undefined ? "" : `: ${known.why}`
  return new AppError(
    "azure-login-refused",
    `Microsoft Entra ID refuses the login (AADSTS${number})${why}`,
    {
      remedy: "retry",
      hint: known?.hint ?? `the sign-in log of Entra ID says why; ${works}`,
    },
  )
}

function skewed(): AppError {
  return new AppError(
    "azure-clock-skewed",
    "Microsoft Entra ID refuses the time in the login: the clock of this machine is wrong, " +
      "or the federated token has expired",
    {
      remedy: "retry",
      hint:
        "set the clock (timedatectl set-ntp true), " +
        "and see that the file AZURE_FEDERATED_TOKEN_FILE is renewed",
    },
  )
}

/** A file that a variable names is missing or is none. */
function isIncomplete(said: string): boolean {
  return /ENOENT|EACCES|is not a valid|CERTIFICATE/i.test(said)
}

function notFound(): AppError {
  return new AppError("azure-credentials-missing", "no usable credentials for Azure were found", {
    remedy: "retry",
    hint:
      "Azure's own tools must log in for the user that mycelium runs as, with the same environment: " +
      "AZURE_TENANT_ID, AZURE_CLIENT_ID and a secret, certificate or federated token; " +
      "a managed identity; or az login",
  })
}
