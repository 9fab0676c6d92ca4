/** MariaDB: an account that may hold two passwords. */
export const mariadb = {
  "mariadb-user-unfit":
    "The account does not exist, is locked, blocked or expired, lets in who gives no password, or logs in otherwise than by mysql_native_password (ed25519, unix_socket). The message says which, the remedy has the SQL. Name user and host as SELECT User, Host FROM mysql.global_priv shows them.",
  "mariadb-unknown-password":
    "The account holds a password that mycelium does not know. It would stay valid after every rotation. SHOW CREATE USER shows the hash of each: find out whose it is; if nobody's, set the account to the hash of yours alone, which SELECT PASSWORD(…) says of the password in the output. A containment (rotate-now --contain) ends all but a new one.",
  "mariadb-read-only":
    "The server is read-only: a replica, or one that is being looked after. A password that is changed there would be changed there alone. Give the primary's address.",
  "mariadb-validates":
    "A plug-in of the server validates passwords, and with strict_password_validation it takes no hashes. Mycelium sends nothing else, so that no password stands in the server's logs; its values are random and long. SET GLOBAL strict_password_validation = OFF; passwords in clear are validated as before.",
  "mariadb-lockout":
    "The server blocks a user after very few wrong passwords in a row (max_password_errors). A rotation proves by a login that a random value and old ones are refused, and would lock the application out. Raise the limit.",
  "mariadb-not-kept":
    "The server took the new password and has lost it again: someone else sets the same account. Find the script or the operator that does, and let only one of them look after this account.",
  "mariadb-live-missing":
    "The account does not hold its present password, so the older one was not taken away. A person has changed the account, or the server has lost the change: mycelium explain current-refused has the way on.",
  "mariadb-busy":
    "Another session holds the accounts (a backup, FLUSH TABLES WITH READ LOCK), or another run of mycelium still changes this one. Mycelium does not wait behind it for long. See SHOW PROCESSLIST for who it is. mycelium run tries again; without it, repeat the command. Behind a backup that blocks commits the change may be done, but not in the binary log: replicas learn it with the next one.",
  "mariadb-other-server":
    "What answers is not MariaDB. MySQL also lets an account hold two passwords, but in a way of its own, which this driver does not know: use an exec driver there, or correct the address.",
  "mariadb-other-plugin":
    "The server asks for another kind of login than mysql_native_password: the account has another plug-in, or something in between answers. Nothing was sent that it could use. Set the plug-in of the admin, or of the user: IDENTIFIED VIA mysql_native_password.",
  "mariadb-sessions-shared":
    "Several accounts have this user's name, with different host parts, and the server does not say whose a session is. Rotations work; end_sessions would fail, for it could end sessions of another account. Take end_sessions out, or let each account have a name of its own. A containment then holds for new logins only: end those sessions by KILL.",
  "mariadb-error":
    "The server reports an error that mycelium has no words for; its number is in the message, its text is not, for it may quote a statement. See the server's log.",
} as const
