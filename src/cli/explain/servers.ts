/** What the drivers of servers have in common: one code for one kind of failure. */
export const servers = {
  "account-missing":
    "The account that the config names does not exist at this server, and mycelium makes " +
    "none. Create it, or correct its name in the config; on MariaDB user and host, " +
    "as SELECT User, Host FROM mysql.global_priv shows them.",
  "account-locked":
    "The account may not log in, not even by the right password: NOLOGIN (PostgreSQL), " +
    "locked or blocked (MariaDB), off (Redis), a limit of no connections (RabbitMQ). " +
    "No login could prove a rotation. " +
    "If it is to log in again, the remedy has the command; else name the account that the " +
    "application uses. A containment of PostgreSQL, MariaDB or Redis by an admin opens it with the " +
    "new value, for an intruder may have shut it: if it is to stay shut, shut it again after " +
    "that. A limit of no connections stays: the value is proven without one.",
  "password-expired":
    "The account's password has expired at the server, which refuses even the right one. " +
    "The remedy has the command that ends the expiry; mycelium limits its age from now on. " +
    "A containment of PostgreSQL or MariaDB by an admin ends the expiry, with the new value.",
  "password-not-asked":
    "The server lets the account in without a password (trust, peer or a certificate in " +
    "pg_hba.conf), without one (MariaDB), or by any (nopass in Redis). " +
    "So its password protects nothing, or a rotation would lock out programs that give none. " +
    "Let each of its programs give a password first, then let the server ask for it. " +
    "A containment of Redis or MariaDB ends that, for an intruder may have set it: programs that " +
    "give no password are then refused.",
  "driver-differs":
    "The config names another driver for this secret than the one that made its values. What asks the " +
    "one service proves nothing of the other, so nothing is asked, changed or revoked, and a " +
    "containment leaves the secret as NOT contained. Put the former driver back, with its options. " +
    "If the secret is another login from now on: end the old login at its service, run mycelium " +
    "delete ENV/SECRET --login-ended --yes, then rotate-now ENV/SECRET --new (or write the new " +
    "value into its output, and mycelium adopt ENV).",
  "user-differs":
    "The current version belongs to another user or role than the config names now. " +
    "Adopt the password of the new one, or put the former one back. " +
    "The way from one PostgreSQL role to a pair without a failed login: " +
    "mycelium init --postgres-pair NAME --from ROLE prints it.",
  "authentication-unsupported":
    "The account logs in, or the server asks for a login, by a way that mycelium does not " +
    "speak (GSS, LDAP, ed25519, unix_socket, …). Nothing was sent that the server could use. " +
    "PostgreSQL needs scram-sha-256 in pg_hba.conf, MariaDB mysql_native_password as the only " +
    "way of the account, the admin's too. A containment of MariaDB or RabbitMQ leaves the " +
    "account that one way.",
  "unknown-password":
    "The account holds a password that mycelium does not know. " +
    "It would stay valid after every rotation. The remedy shows how to tell the two by their " +
    "hashes: find out who uses it. If no program does, take it away, and leave Mycelium's. " +
    "A containment (rotate-now --contain) ends all passwords except a new one.",
  "password-not-kept":
    "The server took the new password and has lost it again: something else sets the same " +
    "account. Find the script or the operator that does, and let only one of them look after " +
    "this account.",
  "live-missing":
    "The account does not hold its present password, or a pair's current login is not clearly " +
    "accepted, so the older password was not taken away: then no login at all might work. " +
    "A person has changed the account, or the server has lost the change. " +
    "mycelium explain current-refused has the way on; for a pair, run mycelium reconcile or " +
    "set the current password back.",
  "admin-too-powerful":
    "The admin may do everything, which is more than a rotation needs: " +
    "a person who learns its password has the whole server. " +
    "The remedy has the rights that are enough. If programs also log in as that admin (for " +
    "example as default), take no right from it, or they are cut off. " +
    "Make an admin that only mycelium uses.",
  "read-only-server":
    "The server takes no changes: it is a standby or a replica, or set to read-only. " +
    "A password is changed only at the primary. Give the primary's address, and name the " +
    "standbys of a PostgreSQL server under also. Of PostgreSQL's default_transaction_read_only " +
    "only the server's own setting counts here: a role's or a database's is overruled.",
  "lock-timeout":
    "Another session holds a lock on the account (a change of its own, a backup, " +
    "FLUSH TABLES WITH READ LOCK), and mycelium does not wait behind it for long. " +
    "pg_stat_activity or SHOW PROCESSLIST shows who it is. " +
    "mycelium run tries again; without it, repeat the command. " +
    "During a backup of MariaDB that blocks commits, the change may be made but not be in the " +
    "binary log yet: then replicas get it with the next change.",
  "statement-timeout":
    "The server did not finish in time and gave up. Find out what keeps the server busy. " +
    "mycelium run tries again; without it, repeat the command.",
  "session-ended":
    "Another user, or a restart of the server, ended Mycelium's session. " +
    "mycelium run tries again; without it, repeat the command.",
  "locked-at-server":
    "Another session with mycelium's login holds the lock that keeps two mycelium processes " +
    "apart, or a person has taken the lock with that login. " +
    "If two machines are set up to rotate this account, stop one of them. " +
    "On PostgreSQL the message names the session's user and process; " +
    "a session that is not mycelium's can be ended. If another user holds the lock, " +
    "mycelium waits for two seconds only.",
  "sessions-out-of-reach":
    "The login may not see and end the sessions of the role (or the program cannot). " +
    "Rotations work; end_sessions would fail, so sessions that were opened with an old " +
    "password stay open until they end by themselves. " +
    "A containment then holds for new logins only, and says so: end those sessions at the " +
    "service, or grant the right that the remedy names and run it again with its --incident.",
  "sessions-undated":
    "It is unknown when the present password was set, so it is also unknown which sessions " +
    "are older, and none is ended. Rotate once more: then it is known. " +
    "A containment then holds for new logins only: end those sessions at the service.",
  "server-error":
    "The server reports an error that mycelium does not know. " +
    "Its number or SQLSTATE, if it has one, is in the message; its text is not, " +
    "because it may quote what was sent. See the server's log.",
  "server-left":
    "An old value was also accepted at a server that the config did not name when the value was " +
    "revoked: an address was changed, or a node was taken out. Only the servers that the config " +
    "names are asked, so it may be accepted there still; a server is known by its address alone. " +
    "In an incident the secret is not contained until that is settled. Name the server in the " +
    "config again (of Redis, under also): the same rotate-now --contain with --incident, or " +
    "mycelium reconcile, tries the login there. Or, once the server is gone for good or you have " +
    "ended the login there by hand: mycelium reconcile ENV --gone SERVER; the audit log keeps your word.",
} as const
