/** The config and the command line. */
export const config = {
  usage:
    "The command line is wrong: an unknown command or option, a name that the config does not " +
    "have, or a variable that would change how this program runs. Nothing was done. " +
    "mycelium COMMAND --help says what there is.",
  "config-missing":
    "No config was found. Mycelium looks at, in this order: --config, $MYCELIUM_CONFIG, " +
    "./mycelium.yaml, /etc/mycelium/mycelium.yaml. Name it with --config, or make one with " +
    "mycelium init.",
  "config-invalid":
    "The config has mistakes; all of them are listed, each with its line. " +
    "Nothing runs with half a config; a service that reloads keeps the old one. " +
    "Correct the lines and run mycelium check.",
  "config-writable-by-others":
    "Other users can change the config, which names programs that mycelium runs: " +
    "a user who can write it can do what mycelium can. " +
    "Commands that rotate, render or run programs refuse; those that only look go on and " +
    "warn. Chown it (and the folders above) to root or to mycelium's user, chmod o-w, " +
    "and read it before you trust it again.",
  "config-group-writable":
    "The members of a group can change the config and so make mycelium run programs. " +
    "If that is not intended: chmod g-w.",
  "clear-text-login":
    "A login at Redis sends the password itself, and this server listens on a port of this " +
    "machine without TLS. Any user may take that port while the server is down. " +
    "Before mycelium sends a password it asks the kernel who has accepted the connection, " +
    "and it sends none to another user than the one that it noted. " +
    "Your own programs do not ask. With a unix socket in a folder of the server's own " +
    "(unix:/run/redis/redis.sock), or with TLS (rediss://), no other user can take the " +
    "server's place. Otherwise nothing is wrong.",
  "listener-changed":
    "A server of this machine is recognised by the user that it runs as. " +
    "Any other user may take its port while it is down, and would then get the password, " +
    "or could relay the login (PostgreSQL) and act as you. " +
    "The user that answers now is not the one that answered when the value was last proven, " +
    "or not the one that listener in the config names. " +
    "No password was sent, and nothing was changed. Find out who it is (ss -ltnp). " +
    "If the server really runs as another user now, or moved into a container: " +
    "write listener: USER (or any) under that secret, and run mycelium adopt, which notes the " +
    "user; then you may remove the line. Else end what listens there, and find out what your " +
    "programs have sent to it.",
  "socket-folder-open":
    "More than one user can change the folder that the unix socket lies in, or the path to " +
    "it: a folder that all users or a group can write in (such as /tmp), or a link that " +
    "others could replace. One of them could put a socket of their own there and get the " +
    "password, so nothing was sent. Let the server make its socket in a folder that only its " +
    "own user can change (such as /run/redis, owner redis, mode 0755), or use its port. " +
    "With listener: any under that secret this is not checked: then each user who can take " +
    "the socket's path may get the password.",
  "listener-unknown":
    "The config names a user who should listen at a server's address, and /etc/passwd of this " +
    "machine has no such name. Correct it, or write the number. No password was sent.",
  insecure:
    "An option turns a protection off. insecure: true means that the server's certificate is " +
    "not checked, so something in between could read the login. " +
    "weak: true allows values of fewer than 128 bits. " +
    "Name the authority's certificate under tls, or raise length or bits, and remove the " +
    "option.",
  "no-health-check":
    "A deployment has no health check. After its restart it is unknown whether the program " +
    "works with the new value, so a rotation cannot go back in time. " +
    "Name one under healthy: a URL, a port or a command.",
  "driver-unknown":
    "An open rotation, or the config, names a driver that this mycelium does not have. " +
    "Probably an older version was started: use the newer one.",
  "output-unknown":
    "An open rotation, or the config, names a kind of output that this mycelium does not " +
    "have. Use the version that it was made with, or a newer one.",
  "restarter-unknown":
    "An open rotation, or the config, names a way to restart that this mycelium does not " +
    "have. Use the version that it was made with, or a newer one.",
  "health-unknown":
    "An open rotation, or the config, names a kind of health check that this mycelium does " +
    "not have. Use the version that it was made with, or a newer one.",
  "address-invalid":
    "An address in the config cannot be read. It is not repeated here, because it may hold a " +
    "password. Write it as in postgresql://host:5432/database or redis://host:6379.",
  "password-as-text":
    "The address in the config holds a password. The config never holds credentials. " +
    "Remove it, change it at the service if others have read the file, and name it by " +
    "reference (file, env or command).",
  "template-malformed":
    "A template cannot be read, or uses a variable in another form than {{ secret.field }}. " +
    "Correct braces, tags and filters in the output's options.",
  "template-failed":
    "A template could not be rendered with the values. Nothing was written. " +
    "Check its filters; a value that is not valid Unicode cannot be written into a text.",
  "template-field-missing":
    "A template shows a secret or a field that has no value now. " +
    "Correct the name, or make the first value (adopt, rotate-now --new).",
  "owner-unknown":
    "The owner of an output is a name that /etc/passwd or /etc/group of this machine does not " +
    'have. Write the numbers: owner: "1000:1000".',
} as const
