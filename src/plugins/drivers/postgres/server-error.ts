import { AppError, type Remedy } from "../../../base/error.ts"
import { present } from "../../../base/present.ts"

/**
 * SQLSTATEs (PostgreSQL manual, appendix A) in our words. The server's own text is never passed on:
 * it may quote a statement.
 */
const states: Readonly<
  Record<string, readonly [code: string, label: string, remedy: Remedy, hint?: string]>
> = {
  "28P01": ["password-refused", "the server refuses this password", "ask-operator"],
  "28000": [
    "login-not-allowed",
    "the server does not allow this login",
    "ask-operator",
    "see pg_hba.conf (where it says clientcert, tls needs a certificate and its key), " +
      "and whether the role has LOGIN",
  ],
  "3D000": [
    "database-missing",
    "the database does not exist",
    "ask-operator",
    "name in the address the database that programs use; postgresql://HOST:PORT alone means postgres",
  ],
  "55000": ["server-not-ready", "the server does not do this now", "ask-operator"],
  "42501": [
    "not-permitted",
    "the server does not permit this to the role that asks",
    "ask-operator",
  ],
  "42704": [
    "account-missing",
    "the role does not exist",
    "ask-operator",
    "create it, or correct its name in the config",
  ],
  "22023": ["value-refused", "the server refuses the value", "give-up"],
  "25006": [
    "read-only-server",
    "the server takes no changes now: it is a standby, or set to read-only",
    "retry",
    "name the primary's address",
  ],
  "53300": [
    "too-many-connections",
    "the server, the database or the role has no connection left",
    "retry",
    "see the limits of the role (pg_roles.rolconnlimit) and of the database " +
      "(pg_database.datconnlimit): 0 lets no one in. If an intruder holds the connections, " +
      "end those sessions as a superuser, " +
      "for whom some are kept (superuser_reserved_connections)",
  ],
  "58P01": [
    "server-file-missing",
    "the server lacks a file or a shared memory segment that this login needs",
    "ask-operator",
    "the server's log names it. A shared memory segment: restart the server, " +
      "which makes it anew. A library: see session_preload_libraries in pg_db_role_setting",
  ],
  "55P03": ["lock-timeout", "another session holds a lock on the role", "retry"],
  XX000: [
    "server-error",
    "the server reports an error, as it does where two sessions change a role at once",
    "retry",
  ],
  "57014": ["statement-timeout", "the server did not finish in time and gave up", "retry"],
  "57P01": ["session-ended", "our session was ended at the server", "retry"],
  "57P03": ["server-not-ready", "the server is starting, stopping or recovering", "retry"],
}
/**
 * Classes of errors that pass by themselves: connection, rollback, resources, operator, system,
 * internal.
 */
const passing = new Set(["08", "40", "53", "57", "58", "XX"])

/** The server said no, with a SQLSTATE. */
export class ServerError extends AppError {
  readonly sqlstate: string
  /** It had accepted the login by then. */
  readonly authenticated: boolean
  constructor(sqlstate: string, label: string, authenticated: boolean) {
    const state = /^[0-9A-Z]{5}$/.test(sqlstate) ? sqlstate : "?????"
    const [code, words, remedy, hint] = states[state] ?? [
      "server-error",
      "the server reports an error",
      passing.has(state.slice(0, 2)) ? "retry" : "ask-operator",
    ]
    super(code, `${label}: ${words} (SQLSTATE ${state})`, {
      remedy,
      ...present({ hint }),
    })
    this.sqlstate = state
    this.authenticated = authenticated
  }
}

export function isMissingRole(error: unknown): boolean {
  return error instanceof ServerError && error.sqlstate === "42704"
}

export function hasNoSeat(error: unknown): boolean {
  return error instanceof ServerError && error.sqlstate === "53300"
}

export function isRefusedPassword(error: unknown): boolean {
  return error instanceof ServerError && error.sqlstate === "28P01"
}
