/** Redis and Valkey: an ACL user that may hold two passwords. */
export const redis = {
  "redis-not-persistent":
    "A new password would be gone when the server restarts: it keeps its users neither in an " +
    "ACL file nor in a config file that it may rewrite. " +
    "Then the old password would be valid again, and every client would be locked out. " +
    "Start the server with --aclfile.",
  "redis-saves-all":
    "A rotation makes the server save all of its users as they are then (ACL SAVE): " +
    "Redis cannot save a single one. What others have changed at runtime and not saved " +
    "becomes permanent too, including a user that was meant to be gone after a restart. " +
    "A dry run and check save nothing. If such changes are made, compare ACL LIST with the " +
    "ACL file first.",
  "redis-config-rewrite":
    "The server saves its users by rewriting its config file (CONFIG REWRITE), including its " +
    "includes and comments. It works; an ACL file is tidier. " +
    "All users are written as they are then, so what others have changed only at runtime " +
    "becomes permanent too.",
  "redis-hash-absent":
    "The password that should be removed is already gone: another client removed it first. " +
    "Mycelium looks at the user again.",
  "redis-nodes-differ":
    "The user has its present password at some nodes and not at others: " +
    "ACLs are not replicated. Give it that password at the nodes in the message.",
  "redis-node-twice": "The config names one server by two addresses. Name each once.",
  "redis-cluster":
    "The server belongs to a cluster, each node with users of its own, and the config does " +
    "not name all of them. Name every other node under also, replicas too.",
  "redis-replica-alone":
    "The address is that of a replica. Users are changed at each node, the primary first: " +
    "give its address, and name its replicas under also. If an intruder has made it one, " +
    "REPLICAOF NO ONE ends that; a containment goes on meanwhile.",
  "redis-replica-unlisted":
    "Replicas are connected that the config does not name. " +
    "They do not get new passwords and would keep the old one. Name each under also. " +
    "A replica without a port may be a program that reads all data as one (redis-cli --replica): " +
    "CLIENT KILL TYPE replica ends it. A containment goes on: it ends those that are logged in as " +
    "its user, and says if others are left.",
  "redis-replication-user":
    "Replicas or sentinels log in as the user that is to be rotated; they would be cut off. " +
    "Give them a user of their own: masteruser and masterauth, sentinel auth-user and " +
    "auth-pass. A containment goes on, and ends those connections.",
  "redis-protected-mode":
    "The server takes connections from its own machine only. " +
    "Give it a password, or bind it to addresses; then its protected mode ends.",
  "redis-command-missing":
    "The server does not know a command that a rotation needs: it was renamed, or a hosted " +
    "service withholds it. Use that service's own way, through the exec driver.",
  "redis-no-acl-file":
    "The server runs without an ACL file, so ACL SAVE cannot keep a new password. Start it with --aclfile.",
  "redis-no-config-file":
    "The server runs without a config file, so CONFIG REWRITE cannot keep a new password. " +
    "Start it with a config file, or with --aclfile.",
  "redis-save-failed":
    "The server cannot write the file that its users are kept in, so a new password would not " +
    "survive its restart. It must be able to write the file and its folder: " +
    "see the server's log.",
} as const
