import { AppError } from "../../base/error.ts"
import { present } from "../../base/present.ts"
import type { HttpAnswer } from "../drivers/server/http.ts"

/**
 * What Vault and OpenBao answer, in our codes; their text ends here, for it may quote what we sent.
 * Both write the same texts.
 */
export function faultOf(answer: HttpAnswer, message: string): AppError {
  const { status } = answer
  const said = errorsIn(answer)
  if (status >= 300 && status < 400) return standby(message)
  if (status === 403) return forbidden(message)
  if (status === 429) return throttled(answer, message)
  if (status === 503 && /sealed/i.test(said)) return sealed(message)
  if (/standby|no active (node|leader)|not (the )?active|raft.*leader/i.test(said))
    return standby(message)
  if (status === 404 && /no handler for route|unsupported path/i.test(said))
    return new AppError("vault-mount-missing", `${message}: nothing is mounted there`, {
      hint:
        "mount is where the KV engine is mounted, path what follows it; namespace says in which " +
        "namespace: vault secrets list shows the mounts",
    })
  if (/namespace/i.test(said))
    return new AppError("vault-namespace-missing", `${message}: there is no such namespace`, {
      hint: "correct server.namespace; leave it out for the root namespace",
    })
  if (status === 413 || /too large|exceeds/i.test(said))
    return new AppError(
      "vault-entry-too-large",
      `${message}: the entry is larger than the server takes`,
      { hint: "show less in this entry: its other fields count, too" },
    )
  if (status >= 500)
    return new AppError(
      "server-not-ready",
      `${message}: the server cannot answer now (${status})`,
      { remedy: "retry", hint: "see the server's log; nothing is lost, and it is tried again" },
    )
  return new AppError("server-error", `${message}: the server reports an error (${status})`, {
    hint: "does the address name Vault or OpenBao? if so, see the server's log",
  })
}

function sealed(message: string): AppError {
  return new AppError("vault-sealed", `${message}: it is sealed and answers nothing`, {
    remedy: "retry",
    hint: "unseal it (vault operator unseal); Mycelium goes on by itself then",
  })
}

function standby(message: string): AppError {
  return new AppError(
    "vault-standby",
    `${message}: this node is a standby and sends on to another`,
    {
      remedy: "retry",
      hint: "Mycelium follows no redirect to another host: name the cluster's address, or the active node's",
    },
  )
}

function throttled({ retryAfter }: HttpAnswer, message: string): AppError {
  const until = secondsIn(retryAfter)
  return new AppError(
    "vault-throttled",
    `${message}: it takes no more requests now${until === undefined ? "" : `, and asks to wait ${until}s`}`,
    {
      remedy: "retry",
      hint: "a rate limit (sys/quotas) is reached: raise it, or rotate less at a time",
    },
  )
}

function forbidden(message: string): AppError {
  return new AppError("not-permitted", `${message}: the server does not permit this`, {
    hint: "the token's policy must allow it: mycelium check --connect prints the policy that is needed",
  })
}

/** Retry-After in seconds; a date is not read, for two clocks may differ. */
export function secondsIn(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) : undefined
}

/** For our own eyes: decides which error it is, and goes no further. */
export function errorsIn({ body }: HttpAnswer): string {
  try {
    const said: unknown = JSON.parse(body)
    if (typeof said !== "object" || said === null || !("errors" in said)) return ""
    return Array.isArray(said.errors) ? said.errors.map(String).join("\n") : ""
  } catch {
    return ""
  }
}

/** Of an answer that is not as Vault and OpenBao write theirs. */
export function notUnderstood(message: string): AppError {
  return new AppError("answer-malformed", `${message}: the server's answer is not understood`, {
    hint: "does the address name Vault or OpenBao, and no proxy that answers in its place?",
  })
}

/** The body of an answer; a parser's own error would quote it. */
export function bodyOf(answer: HttpAnswer, message: string): unknown {
  try {
    return JSON.parse(answer.body)
  } catch {
    throw notUnderstood(message)
  }
}

export function loginRefused(message: string, hint?: string): AppError {
  return new AppError("vault-login-refused", `${message}: the login is refused`, present({ hint }))
}
