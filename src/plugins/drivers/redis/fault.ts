import { AppError, type Remedy } from "../../../base/error.ts"
import { present } from "../../../base/present.ts"

/**
 * What a server says when it says no: an error reply. Its free text ends here, for it may quote
 * what we sent.
 */

/** An error reply, as far as we tell one from another. */
export type Refusal = { readonly refused: Kind }

type Words = readonly [code: string, label: string, remedy: Remedy, hint?: string]
const hosted = "rename-command has hidden it, or a hosted service keeps it from its users"
const kinds = {
  wrongpass: [
    "password-refused",
    "the server refuses this user's password, or the user is off",
    "ask-operator",
  ],
  noperm: [
    "not-permitted",
    "the server does not permit this to the user that asks",
    "ask-operator",
  ],
  noauth: ["login-needed", "the server wants a login first", "ask-operator"],
  notReady: [
    "server-not-ready",
    "the server is loading, busy, or cut off from its primary",
    "retry",
  ],
  full: ["too-many-connections", "the server has no connection left", "retry"],
  protected: [
    "redis-protected-mode",
    "the server takes connections from its own machine only",
    "ask-operator",
    "it is in protected mode: give it a password, or bind it to addresses",
  ],
  unknownCommand: [
    "redis-command-missing",
    "the server does not know this command",
    "ask-operator",
    hosted,
  ],
  oldAuth: [
    "server-too-old",
    "the server is older than Redis 6, which has no users",
    "ask-operator",
    "upgrade it",
  ],
  noAclFile: ["redis-no-acl-file", "the server runs without an ACL file", "ask-operator"],
  noConfigFile: ["redis-no-config-file", "the server runs without a config file", "ask-operator"],
  cannotSave: [
    "redis-save-failed",
    "the server cannot write the file that its users are kept in",
    "retry",
    "it must be able to write both the file and its folder: see the server's log",
  ],
  hashAbsent: ["redis-hash-absent", "the user does not hold this password", "retry"],
  other: ["server-error", "the server reports an error", "ask-operator", "see the server's log"],
} as const satisfies Readonly<Record<string, Words>>
export type Kind = keyof typeof kinds

/** The code words of Redis' server.c (createSharedObjects) and networking.c. */
const byWord: Readonly<Record<string, Kind>> = {
  WRONGPASS: "wrongpass",
  NOPERM: "noperm",
  NOAUTH: "noauth",
  LOADING: "notReady",
  BUSY: "notReady",
  MASTERDOWN: "notReady",
  TRYAGAIN: "notReady",
  DENIED: "protected",
}
/**
 * Much is only "ERR", told apart by its text: acl.c, config.c, networking.c and server.c, Redis 6
 * to 8, Valkey 9.
 */
const byText: readonly (readonly [RegExp, Kind])[] = [
  [/^ERR unknown (sub)?command/i, "unknownCommand"],
  [/^ERR max number of clients/i, "full"],
  [/^ERR wrong number of arguments for 'auth'/i, "oldAuth"],
  [/not configured to use an ACL file/i, "noAclFile"],
  [/without a config file/i, "noConfigFile"],
  [/^ERR There was an error trying to save the ACLs|^ERR Rewriting config file/i, "cannotSave"],
  [/the password you are trying to remove from the user does not exist/i, "hashAbsent"],
]

/** `line` is an error reply without its "-". */
export function readRefusal(line: string): Refusal {
  const word = line.split(" ", 1)[0] ?? ""
  return { refused: byWord[word] ?? byText.find(([text]) => text.test(line))?.[1] ?? "other" }
}

/** The server said no, in our words. `message` names place, user and command. */
export class RedisError extends AppError {
  readonly kind: Kind
  constructor(kind: Kind, label: string) {
    const [code, words, remedy, hint]: Words = kinds[kind]
    super(code, `${label}: ${words}`, { remedy, ...present({ hint }) })
    this.kind = kind
  }
}

export function isKind(error: unknown, kind: Kind): boolean {
  return error instanceof RedisError && error.kind === kind
}
