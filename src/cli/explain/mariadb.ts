/** MariaDB: an account that may hold two passwords. */
export const mariadb = {
  "mariadb-validates":
    "A plug-in of the server validates passwords, and with strict_password_validation it " +
    "accepts no hashes. Mycelium sends only hashes, so that the server's logs hold no " +
    "password; its values are random and long. SET GLOBAL strict_password_validation = OFF; " +
    "passwords in clear are still validated.",
  "mariadb-lockout":
    "The server blocks a user after very few wrong passwords in a row (max_password_errors). " +
    "A rotation proves by a login that a random value and old ones are refused, " +
    "and would lock the application out. Raise the limit.",
  "mariadb-other-server":
    "What answers is not MariaDB. MySQL also lets an account hold two passwords, " +
    "but in another way, which this driver does not support: use an exec driver there, " +
    "or correct the address.",
  "mariadb-requires":
    "The account is let in only over TLS, or only with a client certificate (REQUIRE), and the " +
    "config has none to show: no login could prove a value. Name them in tls, if a person has set " +
    "that; SHOW CREATE USER shows it. If an intruder has, REQUIRE NONE ends it. " +
    "A containment takes away no such demand, so until then the secret is not contained.",
  "mariadb-other-account":
    "The server takes a login for the account whose host part fits best, and that is another " +
    "one of the same name (or of none) than the config names: no login could prove a value. " +
    "Either programs log in as that one (put its host part into the config), or a person, or an " +
    "intruder, has made it since: DROP USER ends it, and its password with it. " +
    "Then run the same command again.",
  "mariadb-sessions-shared":
    "Several accounts have this user's name, with different host parts, and the server does " +
    "not say which account a session belongs to. Rotations work; end_sessions would fail, " +
    "because it could end sessions of another account. " +
    "Remove end_sessions, or give each account a name of its own. " +
    "A containment then holds for new logins only: end those sessions by KILL.",
} as const
