import { z } from "zod"
import { AppError } from "../../../base/error.ts"
import { sayAddress } from "../server/address.ts"
import { ask, type HttpAnswer, type HttpRequest, jsonIn } from "../server/http.ts"
import { faultOf } from "./fault.ts"
import type { Stored } from "./password.ts"
import { type RabbitmqTarget, reachOf } from "./target.ts"

/** The management API, asked as the admin. */

export type Answer = HttpAnswer & { readonly message: string }

/** Throws for every status of an error but 404: what is missing is the caller's to say. */
export async function askApi(
  target: RabbitmqTarget,
  request: HttpRequest,
  signal: AbortSignal,
): Promise<Answer> {
  const { admin } = target.options
  const message = `at ${sayAddress(target.api)} as ${admin.user}`
  const login = { user: admin.user, password: await target.context.credential(admin.password) }
  const answer = await ask(await reachOf(target, target.api), login, request, signal)
  if ((answer.status < 200 || answer.status >= 300) && answer.status !== 404)
    throw faultOf(answer, message)
  return { ...answer, message }
}

/** The body of an answer, if it is what it should be. */
export function read<Schema extends z.ZodType>(schema: Schema, answer: Answer): z.output<Schema> {
  const parsed = schema.safeParse(jsonIn(answer, answer.message))
  if (parsed.success) return parsed.data
  throw new AppError("answer-malformed", `${answer.message}: the server's answer is not understood`)
}

/** Older servers give tags as one text. */
const Tags = z.union([z.array(z.string()), z.string()])
const User = z.object({
  password_hash: z.string(),
  hashing_algorithm: z.string().default("rabbit_password_hashing_sha256"),
  tags: Tags,
  limits: z.record(z.string(), z.number()).catch({}),
})

export type Account = {
  readonly stored: Stored
  readonly tags: string
  /** It may open no connection. */
  readonly shut: boolean
  /** By the server's clock. */
  readonly at: string
  /** "at queue:15672 as rotator", for errors. */
  readonly message: string
}

/** undefined where there is no such user. */
export async function readAccount(
  target: RabbitmqTarget,
  signal: AbortSignal,
): Promise<Account | undefined> {
  const answer = await askApi(target, { method: "GET", path: pathOf(target) }, signal)
  if (answer.status === 404) return undefined
  const { password_hash, hashing_algorithm, tags, limits } = read(User, answer)
  return {
    stored: { hash: password_hash, algorithm: hashing_algorithm },
    tags: typeof tags === "string" ? tags : tags.join(","),
    shut: limits["max-connections"] === 0,
    at: clockIn(answer),
    message: answer.message,
  }
}

/** To change a user that does not exist would make one. */
export async function neededAccount(target: RabbitmqTarget, signal: AbortSignal): Promise<Account> {
  const account = await readAccount(target, signal)
  if (account !== undefined) return account
  throw new AppError("account-missing", missing(target), { hint: missingHint })
}

export function missing({ options: { user } }: RabbitmqTarget): string {
  return `user ${user} does not exist`
}
export const missingHint = "create it, or correct its name in the config"

/**
 * Gives the user this password, if any; its tags are sent along, for they would be gone else. When,
 * by the server's clock.
 */
export async function storeHash(
  target: RabbitmqTarget,
  { hash, algorithm }: Stored,
  { tags }: Account,
  signal: AbortSignal,
): Promise<string> {
  const body = { password_hash: hash, hashing_algorithm: algorithm, tags }
  return clockIn(await askApi(target, { method: "PUT", path: pathOf(target), body }, signal))
}

function pathOf({ options: { user } }: RabbitmqTarget): string {
  return `/api/users/${encodeURIComponent(user)}`
}

/** A second of the server's clock: an API says no finer one. */
function clockIn({ date, message }: Answer): string {
  const time = Date.parse(date ?? "")
  if (Number.isNaN(time))
    throw new AppError("answer-malformed", `${message}: the server's clock is not understood`)
  return new Date(time).toISOString()
}
