import { AppError } from "../../base/error.ts"
import type { HttpAnswer } from "../drivers/server/http.ts"
import type { Service } from "./endpoint.ts"

/** What AWS answers, in our codes; its text ends here, for it may quote what we sent. */

/** `message`: what was asked, for people: "aws:123456789012:eu-central-1:prod/db". */
export type Call = {
  readonly service: Service
  readonly operation: string
  readonly message: string
  /** As policies name it; left out where no right is needed. */
  readonly resource?: string
}

/** A signature is taken for five minutes. */
const clocksDifferMs = 4 * 60_000

export function faultOf(answer: HttpAnswer, call: Call, now: Date): AppError {
  const { status } = answer
  const type = typeOf(answer)
  const fault =
    loginFault(answer, call, now) ??
    secretFault(type, textOf(answer), call) ??
    throttled(answer, call)
  if (fault !== undefined) return fault
  if (status >= 500)
    return new AppError("server-not-ready", `${call.message}: AWS cannot answer now (${status})`, {
      remedy: "retry",
      hint: "see AWS's health page; nothing is lost, and it is tried again",
    })
  if (status === 200 || type === "")
    return new AppError("answer-malformed", `${call.message}: the answer is not understood`, {
      hint: "does aws.endpoint name an API of AWS, and no proxy that answers in its place?",
    })
  return new AppError(
    "aws-request-refused",
    `${call.message}: AWS refuses ${call.operation} (${type})`,
    { hint: "see the event in CloudTrail; if it goes on, report it with the code in brackets" },
  )
}

function loginFault(answer: HttpAnswer, call: Call, now: Date): AppError | undefined {
  const { message } = call
  const type = typeOf(answer)
  const said = textOf(answer)
  if (
    /^(InvalidSignature|SignatureDoesNotMatch|RequestExpired|RequestTimeTooSkewed|AuthFailure|IncompleteSignature)/.test(
      type,
    )
  ) {
    const off = Date.parse(answer.date ?? "") - now.getTime()
    if (Math.abs(off) > clocksDifferMs || /expired|not yet current/i.test(said))
      return skewed(message, off)
    return refused(message, "the secret access key does not fit the key id")
  }
  if (type.startsWith("ExpiredToken")) return refused(message, "the credentials have expired")
  if (
    /^(UnrecognizedClient|InvalidClientTokenId|InvalidAccessKeyId|MissingAuthenticationToken|InvalidToken)/.test(
      type,
    )
  )
    return refused(message, "AWS does not know these credentials")
  if (/^(AccessDenied|NotAuthorized|Unauthorized)/.test(type))
    return /\bkms\b/i.test(said) && !/(secretsmanager|ssm):/.test(said)
      ? keyDenied(call)
      : forbidden(call)
  return undefined
}

function skewed(message: string, off: number): AppError {
  const minutes = Math.round(Math.abs(off) / 60_000)
  const by = Number.isNaN(off) || minutes === 0 ? "" : `, by ${minutes} minutes`
  return new AppError(
    "aws-clock-skewed",
    `${message}: AWS refuses the time in the signature: the clock of this machine differs from AWS's${by}`,
    {
      hint: "set the clock (timedatectl set-ntp true): AWS takes a signature for five minutes",
    },
  )
}

function refused(message: string, why: string): AppError {
  return new AppError("aws-login-refused", `${message}: the login is refused: ${why}`, {
    hint: "aws sts get-caller-identity must work for the user that mycelium runs as, with the same profile",
  })
}

export function forbidden({ message, service, operation, resource = "*" }: Call): AppError {
  const statement = {
    Effect: "Allow",
    Action: `${service}:${operation}`,
    Resource: resource,
  }
  return new AppError("not-permitted", `${message}: AWS does not permit ${service}:${operation}`, {
    hint: `give the identity of Mycelium this statement in a policy: ${JSON.stringify(statement)}`,
  })
}

function keyDenied({ message, service }: Call): AppError {
  const rights = service === "ssm" ? "kms:Decrypt, kms:Encrypt" : "kms:Decrypt"
  return new AppError("aws-key-denied", `${message}: AWS does not permit the use of the KMS key`, {
    hint:
      `the key's policy must allow ${rights} and kms:GenerateDataKey to the identity of ` +
      "Mycelium, and the key must be enabled",
  })
}

function secretFault(type: string, said: string, call: Call): AppError | undefined {
  const { message } = call
  if (/^(ResourceNotFoundException|Parameter(Version)?NotFound)$/.test(type))
    return new AppError(
      "aws-not-found",
      `${message}: AWS finds no such ${call.service === "ssm" ? "parameter" : "secret"} or version`,
    )
  if (/^(DecryptionFailure|EncryptionFailure|InvalidKeyId|KMS)/.test(type)) return keyDenied(call)
  if (/replica/i.test(said) && type === "InvalidRequestException")
    return new AppError(
      "aws-secret-replica",
      `${message}: this is a replica, which cannot be written`,
      {
        hint: "name the region of the primary secret in aws.region",
      },
    )
  if (type === "InvalidRequestException" && /delet/i.test(said)) return deleted(message)
  if (/^Parameter(Max|Limit)/.test(type))
    return new AppError("aws-limit-reached", `${message}: a limit of AWS is reached (${type})`, {
      hint:
        "aws ssm get-parameter-history shows labels: one on the oldest of 100 versions forbids " +
        "the next one; aws ssm unlabel-parameter-version takes it away",
    })
  if (type === "LimitExceededException")
    return new AppError("aws-limit-reached", `${message}: a limit of AWS is reached`, {
      hint: "see how many versions and labels the secret has: aws secretsmanager list-secret-version-ids",
    })
  return undefined
}

export function deleted(message: string): AppError {
  return new AppError("aws-secret-deleted", `${message}: it is scheduled for deletion`, {
    hint: "aws secretsmanager restore-secret --secret-id NAME brings it back; or name another secret",
  })
}

function throttled(answer: HttpAnswer, { message }: Call): AppError | undefined {
  const { status, retryAfter } = answer
  if (
    status !== 429 &&
    !/^(Throttl|TooManyRequests|TooManyUpdates|RequestLimitExceeded|SlowDown)/.test(typeOf(answer))
  )
    return undefined
  const until = retryAfter === undefined ? "" : `, and asks to wait ${retryAfter}s`
  return new AppError("aws-throttled", `${message}: AWS takes no more requests now${until}`, {
    remedy: "retry",
    hint:
      "a rate of the account is reached (Service Quotas shows it): see what else asks there, " +
      "or rotate less at a time",
  })
}

/** "ResourceNotFoundException"; "" where the answer is none of AWS's. */
export function typeOf({ status, body }: HttpAnswer): string {
  if (status === 200) return ""
  const said = parsed(body)
  const type =
    said?.["__type"] ?? said?.["code"] ?? said?.["Code"] ?? /<Code>(\w+)<\/Code>/.exec(body)?.[1]
  return typeof type === "string" ? type.replace(/^.*#/, "").replace(/:.*$/, "") : ""
}

/** For our own eyes: decides which error it is, and goes no further. */
function textOf({ body }: HttpAnswer): string {
  const said = parsed(body)
  const text =
    said?.["message"] ?? said?.["Message"] ?? /<Message>([^<]*)<\/Message>/.exec(body)?.[1]
  return typeof text === "string" ? text : ""
}

function parsed(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const said: unknown = JSON.parse(body)
    return typeof said === "object" && said !== null ? { ...said } : undefined
  } catch {
    return undefined
  }
}
