import { AppError, type Remedy } from "../../../base/error.ts"
import { present } from "../../../base/present.ts"

type Words = readonly [code: string, label: string, remedy: Remedy, hint?: string]
const denied: Words = [
  "not-permitted",
  "the server does not permit this to the user that asks",
  "ask-operator",
]
const full: Words = ["too-many-connections", "the server has no connection left", "retry"]
const atLimit: Words = [
  "too-many-connections",
  "the user has reached a limit of its own (MAX_USER_CONNECTIONS, or what it may do in an hour)",
  "retry",
]
const notReady: Words = [
  "server-not-ready",
  "the server is going down, or cut off from its cluster",
  "retry",
]
const busy: Words = [
  "lock-timeout",
  "another session holds the accounts (a backup, FLUSH TABLES WITH READ LOCK), " +
    "and we do not wait behind it for long",
  "retry",
]
const ended: Words = [
  "session-ended",
  "our session, or what it did, was ended at the server",
  "retry",
]
const expired: Words = ["password-expired", "the password of this user has expired", "ask-operator"]

/** By the number that the server gives; its text ends here, for it may quote what we sent. */
const words: Readonly<Record<number, Words>> = {
  1040: full,
  1203: atLimit,
  1226: atLimit,
  1095: denied,
  1142: denied,
  1227: denied,
  1045: ["password-refused", "the server refuses this login", "ask-operator"],
  1047: notReady,
  1053: notReady,
  1205: busy,
  1969: busy,
  1820: expired,
  1862: expired,
  1317: ended,
  1927: ended,
  4150: [
    "account-locked",
    "this user is blocked after too many wrong passwords",
    "ask-operator",
    "FLUSH PRIVILEGES lets it in again",
  ],
  4151: ["account-locked", "the account of this user is locked", "ask-operator"],
}
const other: Words = [
  "server-error",
  "the server reports an error",
  "ask-operator",
  "see the server's log",
]

/** The server said no, in our words. `message` names place and user. */
export class MariadbError extends AppError {
  readonly number: number
  constructor(number: number, label: string) {
    const [code, text, remedy, hint] = words[number] ?? other
    super(code, `${label}: ${text} (error ${number})`, {
      remedy,
      ...present({ hint }),
    })
    this.number = number
  }
}

export function isNumber(error: unknown, number: number): boolean {
  return error instanceof MariadbError && error.number === number
}
