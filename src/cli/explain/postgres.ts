/** PostgreSQL: one role, a pair of roles, standbys. */
export const postgres = {
  "role-no-connections":
    "The role has a connection limit of 0, so no program can log in with it (a superuser can). " +
    "A containment goes on all the same, and leaves the limit as it is: it may be a person's. " +
    "ALTER ROLE … CONNECTION LIMIT -1 ends it.",
  "md5-role":
    "The role's password is stored as md5; a rotation stores SCRAM, which an old client " +
    "library may not speak: it would be locked out. When every client speaks SCRAM, " +
    "set password_encryption to scram-sha-256 and give the role its password again.",
  "md5-refused":
    "The server asks for an md5 answer, from which an eavesdropper could get the password. " +
    "Mycelium does not give it. Use scram-sha-256 in pg_hba.conf.",
  "cleartext-refused":
    "The server asks for the password in clear text, and mycelium does not send it: " +
    "something else may be answering. Use scram-sha-256 in pg_hba.conf, and verified TLS.",
  "scram-not-offered":
    "The server does not offer SCRAM-SHA-256 for this login. " +
    "Use scram-sha-256 in pg_hba.conf; a password that is stored as md5 must be set again " +
    "first.",
  "scram-weak":
    "The server asked for so few SCRAM iterations that an eavesdropper, or a false server, " +
    "could try passwords at little cost. Nothing was sent that such guesses could be tested " +
    "against. First check that it is your server that answers (address, TLS). " +
    "If it is, this role's password was set while scram_iterations was below 4096 (or by a " +
    "tool that makes the verifier itself): set scram_iterations to 4096 or more, " +
    "and set the password anew.",
  "scram-invalid":
    "The server's SCRAM challenge is not valid: something else answers, or something in " +
    "between changes it. Check the address and TLS.",
  "server-unproven":
    "The server could not prove that it knows the password: something else may be answering " +
    "at this address. Nothing was sent that it could use. " +
    "Check address, DNS and TLS before anything else.",
  "login-not-allowed":
    "The server does not allow this login, whatever the password: no line in pg_hba.conf, " +
    "a client certificate that such a line asks for and tls does not name, or no LOGIN. " +
    "Correct that; nothing was changed.",
  "database-missing":
    "The database in the address does not exist, so no program can log in to it. " +
    "Name in the address the database that programs use; an address without one means " +
    "postgres. A containment goes on: a role belongs to the whole server, and the admin logs in " +
    "to another database.",
  "database-closed":
    "The database in the address does not let this login in: it lacks the right to connect, " +
    "the database is at its connection limit (0 lets no one in), or it takes no connections. " +
    "A role belongs to the whole server, so the password is changed by way of another database " +
    "(postgres, then template1), and proven: the server checks a password before all else. " +
    "Programs may not get in all the same. The remedy has the statement that opens it.",
  "role-held":
    "Sessions of the role keep it from being changed (an open transaction, changes of their " +
    "own), and the admin may not end them. GRANT pg_signal_backend TO the admin, " +
    "then run the same command again.",
  "role-held-prepared":
    "A transaction that was prepared (PREPARE TRANSACTION) has changed a role, and belongs to " +
    "no session: it keeps the role from being changed until it is committed or rolled back, " +
    "in its own database, by its owner or a superuser. " +
    "A coordinator of distributed transactions may be about to end it. " +
    "If none is, roll it back by the statement in the message. " +
    "If it is committed, it may give the role a password of its own.",
  "server-file-missing":
    "The login needs a file, or a shared memory segment, that the server lacks. " +
    "The server's log names it. If it is a library: ALTER DATABASE (or ROLE) … SET " +
    "local_preload_libraries names one that is not there, and the owner of the database can " +
    "set that: for programs, take the setting back. Mycelium's own logins overrule it; " +
    "session_preload_libraries, which only a superuser sets, they do not. " +
    "If it is a shared memory segment: " +
    "something removed the server's files in /dev/shm while it ran. " +
    "Restart the server, which makes them anew. systemd-logind does that to the server of an " +
    "ordinary user who has logged out: set RemoveIPC=no in logind.conf, or run the server as " +
    "a system user.",
  "login-under-way":
    "The server reads what it knows of a password before the client proves that it has it, " +
    "so a login that began with the old password could still end well until " +
    "authentication_timeout (in MariaDB connect_timeout) has passed. " +
    "The existing sessions are ended. Sessions of such logins are ended once no such login " +
    "can be under way any more; only then is the secret contained, or the old value dead. " +
    "mycelium delete ends no sessions: it only waits until no such login can end well. " +
    "Run the same command again: it waits only for the rest of that time, by the server's " +
    "clock. PostgreSQL 18 shows such logins to an admin with pg_read_all_stats, " +
    "and then there is seldom anything to wait for.",
  "pooler-between":
    "A connection pooler (PgBouncer) answers at this address. " +
    "A password must be changed and proven at the server itself. " +
    "Give the server's own address.",
  "zero-byte":
    "A text for PostgreSQL holds a zero byte, which PostgreSQL does not accept. " +
    "Correct the role's name or the value.",
  "sessions-hidden":
    "The age of the role's sessions cannot be seen, so which of them still use the old " +
    "password is not known. GRANT pg_read_all_stats and pg_signal_backend to the admin.",
  "previous-in-use":
    "Sessions of the role whose password should be revoked began after the last restart: " +
    "a program that is in no deployment still uses the password. " +
    "Find it by the addresses in the message. Add it to deployments, or cut it off with " +
    "--skip-grace.",
  "also-not-standby":
    "A server under also takes changes of its own: it is no standby of the one under address. " +
    "Name the primary under address and only its standbys under also.",
  "also-other-server":
    "A server under also belongs to another cluster than the one under address. Correct the addresses.",
  "standby-behind":
    "A standby has not replayed the change yet, or its replay is paused: " +
    "programs that log in there still need the old password. The rotation waits for it. " +
    "On the standby: SELECT pg_wal_replay_resume(), or see why replication lags.",
  "pair-attributes-differ":
    "The two roles of a pair differ in attributes, so the application would behave " +
    "differently with each of them. The remedy has the SQL that makes them alike.",
  "pair-settings-differ":
    "The two roles of a pair differ in settings (ALTER ROLE … SET), so the application would " +
    "behave differently after each rotation. The remedy has the SQL.",
  "pair-granted":
    "One role of a pair has rights of its own, which the other one lacks. " +
    "Grant them to the owner instead, then revoke them from the role.",
  "pair-owns":
    "One role of a pair owns tables or other objects itself, which the other one cannot " +
    "change. REASSIGN OWNED BY it TO the owner.",
  "pair-no-member":
    "A role of the pair is not a member of the owner, so it would have no rights. The remedy has the GRANT.",
  "pair-no-inherit":
    "A role of the pair does not inherit the owner's rights. The remedy has the GRANT … WITH INHERIT TRUE.",
  "pair-no-set":
    "A role of the pair may not become the owner (SET), so what it makes would be its own, " +
    "and out of reach after the next rotation. The remedy has the GRANT … WITH SET TRUE.",
  "pair-no-connect":
    "A role of the pair may not connect to the database. GRANT CONNECT to the owner.",
  "pair-role-setting":
    "A role of the pair does not become the owner at login, so tables that it makes would be " +
    "its own. The remedy has ALTER ROLE … SET role.",
  "pair-identity":
    "The login works, but the session does not become the owner. " +
    "What the application makes would belong to one role of the pair. " +
    "See the role's settings: mycelium init --postgres-pair prints all of it.",
  "pair-one-user":
    "A file made by a template names only the user of a pair whose turn it is. " +
    "For a program that logs in with the file this is fine, because it is restarted with the " +
    "new user. But a program that admits others by the file (PgBouncer by its userlist.txt) " +
    "knows only one of the two users after its reload, and refuses clients that still use the " +
    "other, even in the grace. In such a file show both: {{ postgres.user }} and {{ " +
    "postgres.password }} on one line, {{ postgres.previous.user }} and {{ " +
    "postgres.previous.password }} on another. While there is no second value, both lines " +
    "show the same user.",
  "pair-user-unshown":
    "Two users of a pair take turns, so a rotation changes the user name as well as the " +
    "password. Your outputs show the password and no user name, so a program with a fixed " +
    "name would be refused after the next rotation, or after the one that follows. " +
    "Show {{ NAME.user }} beside {{ NAME.password }} in what the program reads, " +
    "and let it take the name from there. If no output shows the user, nothing is rotated; " +
    "if only one program reads no file that shows it, mycelium warns and goes on. " +
    "rotate-now --contain warns and goes on in both cases.",
  "pair-idle-in-use":
    "The role of the pair that should be idle has sessions, or accepts a password that no " +
    "program should have, so something still uses it. " +
    "Find out what, before its password is changed.",
  "owner-missing":
    "The owner role of the pair does not exist. CREATE ROLE … NOLOGIN; " +
    "mycelium init --postgres-pair prints all of it.",
  "owner-can-login":
    "The owner of the pair can log in itself, with a third password that is not rotated. " +
    "ALTER ROLE … NOLOGIN PASSWORD NULL. When you go from one role to a pair this is the last " +
    "step, after the old password is revoked.",
} as const
