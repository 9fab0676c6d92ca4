import { AppError } from "../../base/error.ts"

/** Why no login was made, in our codes. The library's own text may quote files and what programs printed. */

const works =
  "gcloud auth application-default print-access-token must work for the user that mycelium " +
  "runs as, with the same environment"

export function loginFault(error: unknown): AppError {
  const { status, code, said } = answerIn(error)
  if (status === undefined) return isMissing(error) ? notFound() : unanswered()
  if (/short-lived token|reasonable timeframe|iat and exp/i.test(said)) return skewed()
  if (status === 403 || code === "PERMISSION_DENIED") return notImpersonated()
  if (status >= 500 || status === 429 || code === "") return unanswered()
  return refused(code, said)
}

function refused(code: string, said: string): AppError {
  const known = [
    {
      pattern: /signature/i,
      why: "the key is none of the service account's, or it was deleted",
      hint:
        "gcloud iam service-accounts keys list shows its keys; federation or the machine's " +
        "account needs none",
    },
    {
      pattern: /account not found|disabled/i,
      why: "there is no such account, or it is disabled",
      hint: "gcloud iam service-accounts describe shows it",
    },
    {
      pattern: /expired or revoked|rapt|reauth/i,
      why: "the user's login has ended",
      hint:
        "gcloud auth application-default login makes a new one; for a server use an account " +
        "that is no person's",
    },
    {
      pattern: /audience|issuer|attribute|subject|id token|ID Token|assertion/,
      why: "the federated token does not fit the workload identity pool",
      hint:
        "issuer, audience and the provider's conditions must fit: " +
        "gcloud iam workload-identity-pools providers describe",
    },
  ].find(({ pattern }) => pattern.test(said))
  return new AppError(
    "google-login-refused",
    `Google refuses the login (${code})${known === undefined ? "" : `: ${known.why}`}`,
    { remedy: "retry", hint: known?.hint ?? works },
  )
}

function skewed(): AppError {
  return new AppError(
    "google-clock-skewed",
    "Google refuses the time in the login: the clock of this machine differs from Google's",
    { remedy: "retry", hint: "set the clock (timedatectl set-ntp true)" },
  )
}

function notImpersonated(): AppError {
  return new AppError(
    "google-impersonation-denied",
    "Google does not permit the login to act as the service account",
    {
      remedy: "retry",
      hint:
        "give it roles/iam.serviceAccountTokenCreator at that service account, or " +
        "roles/iam.workloadIdentityUser if it is a federated login",
    },
  )
}

function unanswered(): AppError {
  return new AppError("google-login-unanswered", "the login at Google had no usable answer", {
    remedy: "retry",
    hint:
      "oauth2.googleapis.com, or what the credentials name instead, " +
      `must be reachable from here; ${works}`,
  })
}

function notFound(): AppError {
  return new AppError("google-credentials-missing", "no usable credentials for Google were found", {
    remedy: "retry",
    hint:
      "GOOGLE_APPLICATION_CREDENTIALS names a file that the user that mycelium runs as can read; " +
      "else gcloud auth application-default login, or a machine with a service account",
  })
}

type Answer = { readonly status?: number; readonly code: string; readonly said: string }

/** For our own eyes: decides which error it is; of it only a code goes further. */
function answerIn(error: unknown): Answer {
  const answer = part(error, "response")
  const status = part(answer, "status")
  const code = part(part(error, "response") ?? error, "code")
  if (typeof status !== "number")
    return /^[A-Za-z_]{1,60}$/.test(String(code)) && isOauth(error)
      ? { status: 400, code: String(code), said: messageOf(error) }
      : { code: "", said: "" }
  const data = part(answer, "data")
  const own = part(data, "error")
  const name = typeof own === "string" ? own : part(own, "status")
  return {
    status,
    code: typeof name === "string" && /^\w{1,60}$/.test(name) ? name : "",
    said:
      `${String(part(data, "error_description") ?? "")} ${String(part(own, "message") ?? "")} ` +
      `${messageOf(error)}`,
  }
}

/** The exchange of a federated token throws the answer's own words. */
function isOauth(error: unknown): boolean {
  return messageOf(error).startsWith("Error code ")
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : ""
}

/** A file that is missing or is none, or nothing to log in with. */
function isMissing(error: unknown): boolean {
  return /default credentials|does not exist|ENOENT|EACCES|not a file|JSON|must contain|Unable to read|private[ _]key|DECODER|PEM/i.test(
    messageOf(error),
  )
}

function part(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined
}
