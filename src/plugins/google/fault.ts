import { z } from "zod"
import { AppError } from "../../base/error.ts"
import type { HttpAnswer } from "../drivers/server/http.ts"
import { type GooglePlace, resourceOf } from "./options.ts"

/** What Secret Manager answers, in our codes; its text ends here, for it may quote what we sent. */

/** `message`: what was asked, and as whom, for people. */
export type Asked = { readonly message: string; readonly place: GooglePlace }

/** A token is taken from some minutes before its time. */
const clocksDifferMs = 4 * 60_000

const word = z.string().catch("")
const Detail = z.object({ "@type": word, reason: word })
const Failure = z.object({
  error: z.object({ status: word, message: word, details: z.array(Detail).catch([]) }),
})
type Said = { readonly status: string; readonly message: string; readonly reason: string }

export function faultOf(answer: HttpAnswer, asked: Asked, now: Date): AppError {
  const { message, place } = asked
  const { status } = answer
  const said = saidIn(answer)
  if (status === 429) return throttled(answer, message)
  if (status >= 500)
    return new AppError("server-not-ready", `${message}: Google cannot answer now (${status})`, {
      remedy: "retry",
      hint: "see Google Cloud's status page; nothing is lost, and it is tried again",
    })
  if (said === undefined) return notGoogle(message)
  if (status === 401) return loginFault(answer, message, now)
  if (status === 403) return forbidden(said, asked)
  if (said.status === "FAILED_PRECONDITION" && /DISABLED|DESTROYED/.test(said.message))
    return ended(said.message.includes("DESTROYED"), asked)
  return new AppError(
    "google-request-refused",
    `${message}: Google refuses the request (${/^\w{1,60}$/.test(said.status) ? said.status : status})`,
    { hint: `gcloud secrets describe ${place.secret} --project ${place.project} says more` },
  )
}

export function notGoogle(message: string): AppError {
  return new AppError("answer-malformed", `${message}: the answer is not understood`, {
    hint: "does google.endpoint name Secret Manager, and no proxy that answers in its place?",
  })
}

function ended(isDestroyed: boolean, { message, place }: Asked): AppError {
  const { secret, project } = place
  return isDestroyed
    ? new AppError("google-version-destroyed", `${message}: the version is destroyed`, {
        hint:
          `its value is gone: gcloud secrets versions add ${secret} --project ${project} ` +
          "--data-file FILE writes a new one",
      })
    : new AppError("google-version-disabled", `${message}: the version is disabled`, {
        hint:
          `gcloud secrets versions enable VERSION --secret ${secret} --project ${project} ` +
          "enables it; or write a new one",
      })
}

function loginFault(answer: HttpAnswer, message: string, now: Date): AppError {
  const off = Date.parse(answer.date ?? "") - now.getTime()
  if (Math.abs(off) > clocksDifferMs)
    return new AppError(
      "google-clock-skewed",
      `${message}: the login is refused, and the clock of this machine differs from Google's ` +
        `by ${Math.round(Math.abs(off) / 60_000)} minutes`,
      { hint: "set the clock (timedatectl set-ntp true)" },
    )
  return new AppError("google-login-refused", `${message}: Google refuses the token`, {
    hint:
      "gcloud auth application-default print-access-token must give a token that works for the " +
      "same identity",
  })
}

/** Google's reasons (google.rpc.ErrorInfo) that are no missing role at the secret. */
function forbidden({ reason, message: text }: Said, asked: Asked): AppError {
  const { message, place } = asked
  const { project } = place
  if (reason === "SERVICE_DISABLED")
    return new AppError("google-api-disabled", `${message}: Secret Manager is not enabled`, {
      hint:
        `gcloud services enable secretmanager.googleapis.com --project ${project}; ` +
        "if the quota project is another one, there as well",
    })
  if (reason === "USER_PROJECT_DENIED")
    return new AppError(
      "google-quota-project-denied",
      `${message}: the login may not use the quota project`,
      {
        hint:
          "give it roles/serviceusage.serviceUsageConsumer there, " +
          "or correct GOOGLE_CLOUD_QUOTA_PROJECT or quota_project_id",
      },
    )
  if (reason === "ACCESS_TOKEN_SCOPE_INSUFFICIENT")
    return new AppError(
      "google-scope-missing",
      `${message}: the access scopes of this machine do not reach Secret Manager`,
      {
        hint:
          "gcloud compute instances set-service-account INSTANCE --scopes cloud-platform, " +
          "while it is stopped",
      },
    )
  if (reason === "SECURITY_POLICY_VIOLATED" || /VPC Service Controls/i.test(text))
    return new AppError(
      "google-perimeter",
      `${message}: a perimeter of VPC Service Controls does not let this request in`,
      { hint: "allow Mycelium's network or identity in the perimeter's ingress rules" },
    )
  return new AppError("not-permitted", `${message}: Google does not permit to read this secret`, {
    hint:
      `give the identity roles/secretmanager.secretAccessor at ${resourceOf(place)}; ` +
      "the same is said if the project or the secret does not exist",
  })
}

function throttled({ retryAfter }: HttpAnswer, message: string): AppError {
  const until = /^\d{1,6}$/.test(retryAfter ?? "") ? `, and asks to wait ${retryAfter}s` : ""
  return new AppError("google-throttled", `${message}: Google takes no more requests now${until}`, {
    remedy: "retry",
    hint:
      "a quota of the project is used up (IAM & Admin, Quotas): see what else asks there, " +
      "or rotate less at a time",
  })
}

/** Google has done nothing, and may answer soon. */
export function isThrottled({ status }: HttpAnswer): boolean {
  return status === 429 || status === 503
}

/** undefined: the answer is none of Google's. */
export function saidIn({ body }: HttpAnswer): Said | undefined {
  try {
    const { status, message, details } = Failure.parse(JSON.parse(body)).error
    if (status === "") return undefined
    const info = details.find((one) => one["@type"].endsWith("google.rpc.ErrorInfo"))
    return { status, message, reason: info?.reason ?? "" }
  } catch {
    return undefined
  }
}
