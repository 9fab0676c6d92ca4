/** Files of Mycelium: who may read and write them, and whether that works. */
export const files = {
  "file-open":
    "More users than intended may read or write a file or a folder of the store, " +
    "or an output. Sealed values stay sealed, but an output shows them in clear, " +
    "and a user who can write to the store can stop rotations. Run mycelium check --fix. " +
    "If it was an output and others may have read it: mycelium rotate-now. " +
    "A POSIX ACL shows as group bits of the mode; the chmod that --fix does takes its effect " +
    "away.",
  "file-mode":
    "An output has a narrower mode than the config says, so the program that reads it may be " +
    "locked out. Run mycelium check --fix, or correct mode in the config.",
  "file-owner":
    "A file belongs to another user or group than it should. " +
    "Usually mycelium was run as root while the service has a user of its own: " +
    "the service can then no longer read its state. Chown the file as the remedy says, " +
    "and run commands as that user, as in: sudo -u mycelium mycelium check.",
  "file-is-link":
    "There is a symbolic link where mycelium expects the file itself, or on the way to it in " +
    "a folder that another user can change. A user who can replace a link chooses which file " +
    "is read or written, so such links are not followed. " +
    "Put the file there, or name in the config what the link points to.",
  "file-hard-linked":
    "A file lies in a folder that another user can change, and it has more than one name " +
    "(hard links), or was swapped while mycelium looked at it. " +
    "That user may have linked it there from a place where they cannot read it. " +
    "Nothing was read from it or written to it. Remove its other names (find / -xdev " +
    "-samefile FILE lists them), or move it away.",
  "folder-of-others":
    "The path to a file leads through folders of two users who are neither root nor " +
    "mycelium's own. Each could replace what belongs to the other, so mycelium does not use " +
    "such a path. Let root own the folder above, or put the file elsewhere.",
  "proc-missing":
    "A file lies below a folder that another user can change. " +
    "Mycelium reaches such files through /proc, which is not mounted here. " +
    "Mount /proc, or let only root or mycelium's user write to the folders above the file.",
  "file-irregular":
    "There is a folder, a pipe or a device where mycelium expects a regular file. " +
    "Nothing was written. Move it away, or name another path.",
  "file-too-large":
    "A file is far larger than any of its kind: probably the wrong one is named. " +
    "Nothing was read. Correct the path.",
  "file-unreadable":
    "A file or a folder on the way to it cannot be read by this user. " +
    "Run mycelium as the user that owns the store and the identity; " +
    "else correct the owner or mode of what is named.",
  "parent-writable":
    "Every user may write to a folder above the store, the identity or an output. " +
    "They can replace everything below it, whatever the modes of the files themselves are. " +
    "Run chmod o-w on it now, then look at what lies below: owners, dates, and mycelium " +
    "check.",
  "parent-group-writable":
    "The members of a group may write to a folder above the store, the identity or an output, " +
    "and so replace what is below it. If that group should not control these secrets: " +
    "chmod g-w.",
  "parent-foreign":
    "A folder above the store, the identity or an output belongs to another user than root or " +
    "mycelium's: that user can replace everything below. A store below it is not used. " +
    "Chown it to root, or move the store (store in the config) elsewhere.",
  "identity-missing":
    "There is no identity on this machine: the key that opens every sealed value. " +
    "Without it nothing can be rotated. On a new machine: mycelium init. " +
    "If states exist: put back identity.txt from its offline backup, or the break-glass key " +
    "(then mycelium rekey --trust-store). A new identity opens none of them, and init makes " +
    "none beside them. If it is lost for good, the sealed values are too, but the outputs " +
    "still show those that are in use: move the store aside (mv ~/.local/state/mycelium " +
    "~/mycelium-lost), then mycelium init, then mycelium adopt each environment, and rotate.",
  "identity-foreign":
    "The identity belongs to another user, or another user owns a folder above it and can put a " +
    "file of theirs in its place. Every new value would be sealed to their key, so nothing is " +
    "read or written with it. Compare it with your offline backup. If it is yours: move it to a " +
    "folder that only root and mycelium's user can write in, and name it there (identity in the " +
    "config); or run mycelium as the user that owns it. If it is not: put back the backup.",
  "identity-open":
    "Other users may read the identity, which opens every sealed value in every backup of the " +
    "store. Run chmod 600 on it. If others may have read it: make a new identity, seal to it, " +
    "then rotate everything, because old backups stay readable with the old one.",
  "identity-elsewhere":
    "A new identity (mycelium rekey --new-identity) replaces the file of the old one, and this config " +
    "takes it from where that cannot be done: below /run, a variable, " +
    "a command or a secret manager. Run mycelium init " +
    "--identity FILE while the old one is there: FILE then holds a new one, and the old one as " +
    "retired. Put FILE in the place that the identity is loaded from, restart what loads it, run " +
    "mycelium rekey, then take the old one out. mycelium help unit has the steps for a unit.",
  "identity-broken":
    "What should be the identity holds no age key, or only such as are marked as retired. It must " +
    "hold a line that begins with AGE-SECRET-KEY-1, and no line # retired above it. Restore it from " +
    "its backup; mycelium init makes one only if there is none.",
  "keys-missing":
    "The file keys.age, which holds the two keys of the store, is gone, though states exist. " +
    "States can no longer be verified. Restore it from the backup of the store. " +
    "The sealed values themselves open with the age command and your identity.",
  "keys-broken":
    "The file keys.age is damaged, or it opens but does not hold the two keys of a store: " +
    "another file was put in its place. Restore it from the backup of the store. " +
    "Keep the identity: there is no sign that it is wrong.",
  "keys-forged":
    "The file keys.age claims to be bound to this identity, but is not: " +
    "it was made without the identity, so nothing in this store can be trusted. " +
    "Find out who can write to the store. Stop mycelium, restore the whole store from an " +
    "earlier backup, and compare the logs with heads that left the machine (mycelium audit " +
    "verify --heads). Nothing was rotated or written.",
  "keys-unverified":
    "Anyone who knows the public key of an identity can seal a keys.age to it, so mycelium " +
    "binds the store's keys to the identity that works with them. " +
    "These were never bound to this one. If this identity has worked here before, " +
    "the store was forged or swapped: restore it from a backup. " +
    "Only if a break-glass identity is used for the first time, or the store comes from an " +
    "older build: compare the logs with heads that left the machine, then run mycelium rekey " +
    "--trust-store. Until then status, plan, audit and report show what the files say, " +
    "unverified.",
  "seal-damaged":
    "A sealed value or file is not as it was written: a disk, an editor or an interrupted " +
    "restore has damaged it, and no identity opens it. " +
    "Restore the state (or that file) from a backup, and keep the identity.",
  "seal-broken":
    "A sealed value or file cannot be opened with this identity: it was sealed to another " +
    "one, or is damaged. Name the identity that it was sealed to (identity in the config), " +
    "or restore the store from a backup.",
  "store-unwritable":
    "Nothing can be written to the store: its folder cannot be made, or is closed to this " +
    "user, or its file system is read-only (after a fault of the disk, or by its mount " +
    "options). Nothing is rotated or contained; what is due waits, and nothing new is noted. " +
    "Read dmesg, then mount it writable again, give the folder to the user that runs " +
    "mycelium, or name another store in the config.",
  "write-failed":
    "A file could not be written; what was there before is untouched. " +
    "The message says why: no space, no right, no folder, read-only. Correct that. " +
    "mycelium run tries again; without it, repeat the command. " +
    "Nothing outside is touched before the state can be written.",
  "lock-failed":
    "The lock file of an environment could not be made or taken. " +
    "It lies in the store beside the state; the store must be writable by this user and on a " +
    "local disk. Never delete a lock file while mycelium runs.",
  locked:
    "Another mycelium is at work on this environment; the message says which. " +
    "Two at once could lock an application out, so the second one waits or ends with 6. " +
    "Wait, and try again.",
  "reference-missing":
    "A credential that mycelium itself needs (an admin's password, the identity) is not where " +
    "the config says. If it is a variable that is set for the service but not in your shell, " +
    "nothing is wrong. Else make the file, readable by mycelium's user alone, or correct the " +
    "reference.",
  "reference-unknown":
    "A journal, or a config, names a credential in a way that this version of Mycelium does not know. " +
    "Use the version that wrote it, or correct the reference.",
  "reference-empty":
    "A credential that mycelium needs is there, but empty. Write it again; a final line end does not count.",
  "reference-not-text":
    "A credential that mycelium needs is not text: probably the wrong file is named. Correct the reference.",
  "reference-open":
    "A file with a credential that mycelium needs can be read or written by every user of " +
    "this machine, or another user can have put it there; or others can change the program " +
    "that returns it. Do as the message says, and change that credential if others may have " +
    "read it.",
  "report-exists":
    "The report's file exists already, and is not a report as mycelium made it: " +
    "perhaps a person has written under the headings that are for people. " +
    "Nothing was written. Choose another name. If the existing file may be lost, add --force.",
} as const
