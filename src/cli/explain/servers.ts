/** What every driver of a server says alike: one code for one kind of failure. */
export const servers = {
  "account-missing":
    "The account that the config names does not exist at this server, and mycelium makes none. Create it, or correct its name in the config; on MariaDB user and host, as SELECT User, Host FROM mysql.global_priv shows them.",
  "account-locked":
    "The account may not log in, not even by the right password: NOLOGIN (PostgreSQL), locked or blocked (MariaDB), off (Redis). No login could prove a rotation. If it is to log in again, the remedy has the command; else name the account that the application uses.",
  "password-expired":
    "The account's password has expired at the server, which refuses even the right one. The remedy has the command that ends the expiry; mycelium looks after its age from now on.",
  "password-not-asked":
    "The server lets the account in without a password (trust, peer or a certificate in pg_hba.conf), without one (MariaDB), or by any (nopass in Redis). So its password protects nothing, or a rotation would lock out who gives none. Let each of its programs give a password first, then let the server ask for it.",
  "user-differs":
    "The current version belongs to another user or role than the config names now. Adopt the password of the new one, or put the former one back. The way from one PostgreSQL role to a pair without a failed login: mycelium init --postgres-pair NAME --from ROLE prints it.",
  "authentication-unsupported":
    "The account logs in, or the server asks for a login, by a way that mycelium does not speak (GSS, LDAP, ed25519, unix_socket, …). Nothing was sent that the server could use. PostgreSQL needs scram-sha-256 in pg_hba.conf, MariaDB mysql_native_password as the only way of the account, the admin's too.",
  "unknown-password":
    "The account holds a password that mycelium does not know. It would stay valid after every rotation. The remedy shows how to tell the two by their hashes: find out whose it is; if nobody's, take that one away, and leave ours. A containment (rotate-now --contain) ends all but a new one.",
  "password-not-kept":
    "The server took the new password and has lost it again: someone else sets the same account. Find the script or the operator that does, and let only one of them look after this account.",
  "live-missing":
    "The account does not hold its present password, or a pair's current login is not clearly accepted, so the older password was not taken away: that could leave nobody a way in. A person has changed the account, or the server has lost the change. mycelium explain current-refused has the way on; for a pair, run mycelium reconcile or set the current password back.",
  "admin-too-powerful":
    "The admin may do everything, which is more than a rotation needs: whoever learns its password has the whole server. The remedy has the rights that are enough. Where programs log in as that admin, too (as default, say), take nothing from it: they would be cut off. Make an admin that only mycelium uses.",
  "read-only-server":
    "The server takes no changes: it is a standby or a replica, or set to read-only. A password is changed at the primary only. Give the primary's address; the standbys of a PostgreSQL server stand under also.",
  "lock-timeout":
    "Another session holds a lock on the account (a change of its own, a backup, FLUSH TABLES WITH READ LOCK), and mycelium does not wait behind it for long. pg_stat_activity or SHOW PROCESSLIST shows who it is. mycelium run tries again; without it, repeat the command. Behind a backup of MariaDB that blocks commits the change may be done, but not in the binary log: replicas learn it with the next one.",
  "statement-timeout":
    "The server did not finish in time and gave up. See what keeps the server busy. mycelium run tries again; without it, repeat the command.",
  "session-ended":
    "Another user, or a restart of the server, ended Mycelium's session. mycelium run tries again; without it, repeat the command.",
  "locked-at-server":
    "Another session that logs in as mycelium does holds the lock by which two mycelia keep apart, or someone has taken it with that login. If two machines are meant to rotate this account, let one of them only. On PostgreSQL its user and process are named, one that is no mycelium's can be ended, and a lock that another user holds is waited for two seconds, no longer.",
  "sessions-out-of-reach":
    "The login may not see and end the sessions of the role (or the program cannot). Rotations work; end_sessions would fail, so sessions opened with an old password live on until they end by themselves. A containment then holds for new logins only, and says so: end those sessions at the service, or grant the right that the remedy names and run it again with its --incident.",
  "sessions-undated":
    "It is not known since when the present password holds, so which sessions are older is not known either, and none is ended. Rotate once more: then it is. A containment then holds for new logins only: end those sessions at the service.",
  "server-error":
    "The server reports an error that mycelium has no words for. Its number or SQLSTATE, where it has one, is in the message; its text is not, for it may quote what was sent. See the server's log.",
} as const
