import { AppError } from "../../base/error.ts"
import type { HttpAnswer } from "../drivers/server/http.ts"
import { challengeIn } from "./challenge.ts"
import type { VaultName } from "./vault-name.ts"

/** What Key Vault answers, in our codes; its text ends here, for it may quote what we sent. */

export type Asked = {
  /** What was asked, and as whom, for people. */
  readonly message: string
  readonly vault: VaultName
  /** Where logins for it are made. */
  readonly logins: readonly string[]
  /** That of our login. */
  readonly tenant?: string
}

/** A token is taken from five minutes before its time. */
const clocksDifferMs = 4 * 60_000

export function faultOf(answer: HttpAnswer, asked: Asked, now: Date): AppError {
  const { message } = asked
  const { status } = answer
  if (status === 401) return loginFault(answer, asked, now)
  if (status === 403) return forbidden(answer, asked)
  if (status === 429) return throttled(answer, asked)
  const { code, inner } = codesIn(answer)
  if (status === 409 || inner === "ObjectIsBeingDeleted")
    return new AppError("azure-secret-deleted", `${message}: it is being deleted or recovered`, {
      remedy: "retry",
      hint: "az keyvault secret list-deleted shows it once that is done; or name another secret",
    })
  if (status === 404 && code === "") return notKeyVault(message)
  if (status >= 500)
    return new AppError("server-not-ready", `${message}: Azure cannot answer now (${status})`, {
      remedy: "retry",
      hint: "see Azure's status page; nothing is lost, and it is tried again",
    })
  if (code === "") return notKeyVault(message)
  return new AppError(
    "azure-request-refused",
    `${message}: Azure refuses the request (${inner === "" ? code : inner})`,
    { hint: "see the vault's AuditEvent log; if it goes on, report it with the code in brackets" },
  )
}

export function notKeyVault(message: string): AppError {
  return new AppError("answer-malformed", `${message}: the answer is not understood`, {
    hint: "does azure.endpoint name a vault, and no proxy that answers in its place?",
  })
}

function loginFault(answer: HttpAnswer, asked: Asked, now: Date): AppError {
  const { message, vault, logins, tenant } = asked
  const wants = challengeIn(answer.challenge)
  if (wants === undefined) return notKeyVault(message)
  const isOurs =
    [...logins.map(originOf), "https://login.windows.net"].includes(wants.authority) &&
    wants.audience === vault.cloud.audience
  if (!isOurs)
    return new AppError(
      "azure-challenge-foreign",
      `${message}: what answers asks for a login of another kind than a vault of this cloud ` +
        "does; none was made",
      {
        hint:
          `a vault asks for ${vault.cloud.audience}: see that vault (its whole address) and ` +
          "azure.endpoint name yours",
      },
    )
  const isOther = wants.tenant !== "" && tenant !== undefined && wants.tenant !== tenant
  if (isOther && /^[0-9a-f-]{36}$/.test(wants.tenant))
    return new AppError(
      "azure-tenant-differs",
      `${message}: the vault belongs to the tenant ${wants.tenant}, and the login to another`,
      {
        hint:
          `if az keyvault show --name ${vault.name} --query properties.tenantId prints the ` +
          "same, set azure.tenant to it",
      },
    )
  const off = Date.parse(answer.date ?? "") - now.getTime()
  if (Math.abs(off) > clocksDifferMs)
    return new AppError(
      "azure-clock-skewed",
      `${message}: the login is refused, and the clock of this machine differs from Azure's ` +
        `by ${Math.round(Math.abs(off) / 60_000)} minutes`,
      { hint: "set the clock (timedatectl set-ntp true)" },
    )
  const number = wants.number === "" ? "" : ` (${wants.number})`
  return new AppError("azure-login-refused", `${message}: the vault refuses the login${number}`, {
    hint: `az keyvault secret show --vault-name ${vault.name} --name NAME must work for the same identity`,
  })
}

function originOf(address: string): string {
  return URL.canParse(address) ? new URL(address).origin : ""
}

function forbidden(answer: HttpAnswer, { message, vault }: Asked): AppError {
  const { code, inner } = codesIn(answer)
  if (code === "") return notKeyVault(message)
  if (inner === "SecretDisabled")
    return new AppError(
      "azure-secret-disabled",
      `${message}: the secret's newest version is disabled`,
      {
        hint:
          `az keyvault secret set-attributes --vault-name ${vault.name} --name NAME --enabled ` +
          "true enables it; or write a new version",
      },
    )
  if (inner === "ForbiddenByFirewall" || inner === "ForbiddenByConnection")
    return new AppError(
      "azure-vault-firewall",
      `${message}: the vault's firewall does not let this machine in`,
      {
        hint:
          "allow this machine's address or subnet in the vault's networking, " +
          "or come by a private endpoint",
      },
    )
  const isPolicy = inner === "AccessDenied" || inner === "ForbiddenByPolicy"
  return new AppError("not-permitted", `${message}: Azure does not permit to read this secret`, {
    hint: isPolicy
      ? `the vault uses access policies: az keyvault set-policy --name ${vault.name} ` +
        "--object-id OBJECT --secret-permissions get"
      : "give the identity the role Key Vault Secrets User at the vault or the secret (az role " +
        `assignment create --role "Key Vault Secrets User"); a new assignment takes up to ten ` +
        "minutes",
  })
}

function throttled({ retryAfter }: HttpAnswer, { message }: Asked): AppError {
  const until = /^\d{1,6}$/.test(retryAfter ?? "") ? `, and asks to wait ${retryAfter}s` : ""
  return new AppError("azure-throttled", `${message}: Azure takes no more requests now${until}`, {
    remedy: "retry",
    hint:
      "a vault answers some thousand requests in ten seconds: see what else asks there, " +
      "or rotate less at a time",
  })
}

/** Azure has done nothing, and may answer soon. */
export function isThrottled({ status }: HttpAnswer): boolean {
  return status === 429 || status === 503
}

/** "Forbidden" and "SecretDisabled"; "" where the answer is none of Key Vault's. */
export function codesIn({ body }: HttpAnswer): { readonly code: string; readonly inner: string } {
  try {
    const said: unknown = JSON.parse(body)
    const error = partOf(said, "error")
    return { code: codeOf(error), inner: codeOf(partOf(error, "innererror")) }
  } catch {
    return { code: "", inner: "" }
  }
}

function partOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined
}

function codeOf(error: unknown): string {
  const code = partOf(error, "code")
  return typeof code === "string" && /^\w{1,64}$/.test(code) ? code : ""
}
