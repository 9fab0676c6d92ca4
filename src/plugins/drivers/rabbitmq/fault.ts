import { AppError } from "../../../base/error.ts"
import { type HttpAnswer, jsonIn } from "../server/http.ts"

/** What the management API answers, in our codes; its text ends here, for it may quote what we sent. */
export function faultOf(answer: HttpAnswer, message: string): AppError {
  const { status } = answer
  if (status === 401) return loginFault(reasonIn(answer, message), message)
  if (status === 403) return notPermitted(message)
  if (status === 429 || status >= 500)
    return new AppError(
      "server-not-ready",
      `${message}: the server cannot answer now (${status})`,
      {
        remedy: "retry",
      },
    )
  return new AppError("server-error", `${message}: the server reports an error (${status})`, {
    hint: "does the address name RabbitMQ's management API? if so, see the server's log",
  })
}

/** 401 is said of a password, and of a right one whose user may not do this. */
function loginFault(reason: string, message: string): AppError {
  if (/^login failed/i.test(reason))
    return new AppError("password-refused", `${message}: the server refuses this login`)
  if (/localhost/i.test(reason))
    return new AppError(
      "rabbitmq-loopback-only",
      `${message}: the server lets this user in from its own machine alone`,
      { hint: "give the admin another user than guest" },
    )
  if (/^(not |user not )/i.test(reason)) return notPermitted(message)
  return new AppError("server-error", `${message}: the server refuses this for another reason`, {
    hint: "see the server's log",
  })
}

function notPermitted(message: string): AppError {
  return new AppError(
    "not-permitted",
    `${message}: the server does not permit this to the user that asks`,
    { hint: "it needs the tag administrator: rabbitmqctl set_user_tags USER administrator" },
  )
}

function reasonIn(answer: HttpAnswer, message: string): string {
  const said = jsonIn(answer, message)
  const reason = typeof said === "object" && said !== null && "reason" in said ? said.reason : ""
  return typeof reason === "string" ? reason : ""
}
