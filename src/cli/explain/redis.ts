/** Redis and Valkey: an ACL user that may hold two passwords. */
export const redis = {
  "admin-too-powerful":
    "The admin may do everything, which is more than a rotation needs: whoever learns its password has the whole server. The remedy has the rights that are enough. Where programs log in as that admin, too (as default, say), take nothing from it: they would be cut off. Make an admin that only mycelium uses.",
  "redis-user-missing":
    "The ACL user does not exist, and mycelium does not make users. ACL SETUSER … on, or correct its name in the config.",
  "redis-user-off":
    "The ACL user is off: the server refuses even the right password. If it is to log in again: ACL SETUSER … on.",
  "redis-nopass":
    "The user is let in with any password. A rotation would lock out each program that gives none. Let all of them give the same password first, which is taken as any is; then make it the one that is needed: ACL SETUSER … resetpass >PASSWORD.",
  "redis-unknown-password":
    "The user holds a password that mycelium does not know. It would stay valid after every rotation. Find out whose it is; if nobody's, take it away by its hash: ACL SETUSER … !HASH. Ours is the SHA-256 of the password in the output: that one stays. A containment (rotate-now --contain) ends all but a new one.",
  "redis-not-persistent":
    "A new password would be gone when the server restarts: it keeps its users neither in an ACL file nor in a config file that it may rewrite. Then the old one would hold again and every client be locked out. Start the server with --aclfile.",
  "redis-not-kept":
    "The server took the new password and has lost it again: someone else sets the same user. Find the script or the operator that does, and let only one of them look after this user.",
  "redis-saves-all":
    "A rotation makes the server write down all of its users as they are then (ACL SAVE): Redis cannot save one alone. What others have changed at runtime and not saved becomes permanent with it, a user that was meant to be gone after a restart among them. A dry run and check save nothing. Compare ACL LIST with the ACL file first, where such changes are made.",
  "redis-config-rewrite":
    "The server keeps its users by rewriting its config file (CONFIG REWRITE), includes and comments with it. It works; an ACL file is tidier. All users are written as they are then, so that what others have changed at runtime alone becomes permanent too.",
  "redis-live-missing":
    "The server does not hold the present password, so the older one was not taken away. A person has changed the user, or the server has lost the change: mycelium explain current-refused has the way on.",
  "redis-hash-absent":
    "The password that should be removed is already gone: someone else removed it first. Mycelium looks at the user again.",
  "redis-nodes-differ":
    "The user has its present password at some nodes and not at others: ACLs are not replicated. Give it that password at the nodes in the message.",
  "redis-node-twice": "The config names one server by two addresses. Name each once.",
  "redis-cluster":
    "The server belongs to a cluster, each node with users of its own, and the config does not name all of them. Name every other node under also, replicas too.",
  "redis-replica-alone":
    "The address is that of a replica. Users are changed at each node, the primary first: give its address, and name its replicas under also.",
  "redis-replica-unlisted":
    "Replicas are connected that the config does not name. They do not learn new passwords and would go on with the old one. Name each under also.",
  "redis-replication-user":
    "Replicas or sentinels log in as the very user that is to be rotated; they would be cut off. Give them a user of their own: masteruser and masterauth, sentinel auth-user and auth-pass.",
  "redis-protected-mode":
    "The server takes connections from its own machine only. Give it a password, or bind it to addresses; then its protected mode ends.",
  "redis-command-missing":
    "The server does not know a command that a rotation needs: renamed, or kept from users by a hosted service. Use that service's own way, through the exec driver.",
  "redis-no-acl-file":
    "The server runs without an ACL file, so ACL SAVE cannot keep a new password. Start it with --aclfile.",
  "redis-no-config-file":
    "The server runs without a config file, so CONFIG REWRITE cannot keep a new password. Start it with a config file, or with --aclfile.",
  "redis-save-failed":
    "The server cannot write the file that its users are kept in, so a new password would not survive its restart. It must be able to write the file and its folder: see the server's log.",
  "redis-error":
    "The server reports an error that mycelium has no words for. Its text is not repeated, for it may quote what was sent. See the server's log.",
} as const
