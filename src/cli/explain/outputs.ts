/** The files that show values to programs. */
export const outputs = {
  "output-undecided":
    "The output is one text (a template, or a variable that shows several secrets), " +
    "and one of these secrets is in a rotation that is not finished: " +
    "it is unknown whether its old or its new value has to be written, and the file now shows " +
    "neither. So nothing is written. mycelium status says what keeps that rotation; " +
    "once it has ended, the output is written. A containment goes on without it: " +
    "the file is owed (mycelium explain output-owed).",
  "output-planted":
    "A file of another user lies at an output's path, and that user, or others, " +
    "can put files there. Mycelium keeps the owner of a file that it replaces, and may keep " +
    "its other lines, so a planted file would show the values to the user who planted it. " +
    "Nothing was written. If that user is to read the values, say so with owner in the " +
    "config; else remove the file.",
  "owner-not-kept":
    "A file that is replaced keeps its owner and group, and this user, who is not root, " +
    "may not give files away. Nothing was changed. Three ways out. " +
    'A group: chown mycelium:GROUP FILE and mode: "0640"; its readers and mycelium are in ' +
    "that group. Writing into it: in_place: true, with its owner, mode: " +
    '"0660", and mycelium in its group; a reader may see half of it. ' +
    "Or the right: in the unit CapabilityBoundingSet=CAP_CHOWN, " +
    "AmbientCapabilities=CAP_CHOWN, SystemCallFilter=@chown; by hand setpriv --reuid=mycelium " +
    "--regid=mycelium --init-groups --inh-caps=+chown --ambient-caps=+chown; " +
    "mycelium must then read it by its group.",
  "owner-refused":
    "A file is to belong to another user or group, and the system refuses to give it away. " +
    "Nothing was changed. Most often this user is not root. " +
    "Name mycelium's own user as the owner, with a group that the reader is in (owner: " +
    'mycelium:app, mode: "0640"). Or give mycelium the right in its unit: ' +
    "CapabilityBoundingSet=CAP_CHOWN, AmbientCapabilities=CAP_CHOWN, SystemCallFilter=@chown. " +
    "If it already has the right, a filter of system calls denies the call: " +
    "add SystemCallFilter=@chown. A folder with that group and chmod g+s gives its group to " +
    "new files without any call.",
  "output-given-away":
    "The config gives a file to a user and a group that mycelium itself may not read for. " +
    "It could be written once but not read again, so every later rotation of its secrets " +
    "would stop there. Nothing was changed. Give it mode 0640 and a group that mycelium's " +
    "user is in, run mycelium as the owner, or give its unit CAP_DAC_READ_SEARCH.",
  "value-breaks-out":
    "A value holds a line break, another control character, or the quotation mark around it, " +
    "and a template would write it as it is: the rest of the value would become lines of " +
    "their own, in a file that its reader trusts. Values that mycelium makes hold none of " +
    "these. This one was adopted, and a user who can write the file that it came from can " +
    "have chosen it. It is neither adopted nor written there. " +
    "Let the template write it through a filter that its reader undoes (json, url_encode, " +
    "base64_encode), or give the secret another value. " +
    "A template that is one value and nothing else takes every value.",
  "output-missing":
    "An output does not exist, though its secrets have values: a program that starts now " +
    "finds no credentials. mycelium render writes it again, but not its folder: " +
    "make that first. In a file with merge: true it writes only its own lines. " +
    "The other lines are stored nowhere else, so put the file back from your backup first.",
  "entry-missing":
    "The entry that an output names is not there. Mycelium makes none by itself: its keys, policies " +
    "and replication are part of your infrastructure. Make it there, or write create: true beside it.",
  "readers-would-fail":
    "The service of this secret holds one value at a time, and programs read it in an entry of a secret " +
    "manager when they like: with what they have read they are refused until they read the entry anew. " +
    "So it is not rotated. Let the service hold two values (for PostgreSQL two roles in turn), " +
    "let programs read the entry anew at a restart or when a login is refused (readers: { on: restart }, " +
    "{ on: refusal }), or accept the gap at the secret (gap_accepted: 5m). A containment does not wait: " +
    "it names the entries whose readers are cut off, and for how long.",
  "entry-refused":
    "The manager did not take the new content of an entry, or another program wrote there at the " +
    "same time again and again. The entry is as that program left it. Find out who writes there, and " +
    "whether the login of mycelium may write. The next run tries again.",
  "output-reverted":
    "Before an older value is taken away, mycelium looks at the entries that show its secret. One of " +
    "them does not show what mycelium wrote there: a person or another program has changed it since, " +
    "and its readers may use the older value. So that stays accepted, and the revoke is owed. Find out " +
    "who writes there. mycelium render writes the current values again, and the revoke follows.",
  "entry-silent":
    "The manager of an entry gives no answer in time. Each run asks it once. The entry is owed: it is " +
    "written first when the manager answers, and mycelium status names it until then. While a service " +
    "takes both values, the old one stays accepted until the entry is written; if it takes one, the " +
    "rotation goes back. The secrets of an entry that a program of the config reads wait for it.",
  "entry-unknown":
    "A write of an entry was sent, and its answer never came, so it may still arrive. The entry is " +
    "written once more when its manager answers; after that the late write is refused there. " +
    "Until then it is unknown which value the entry shows.",
  "output-silent":
    "The file system of an output does not answer: it is served by a program (FUSE) or by " +
    "another machine (NFS), which hangs or is gone. A rotation gives no service a value then, and " +
    "tries again when the earlier call has returned; a restart of mycelium tries at once. " +
    "check and status do not look at the file, and go on with the rest. " +
    "Run mount to see what serves it, and start that again, or unmount it (umount -l). " +
    "df and ls on its folder would hang too.",
  "place-silent":
    "The file system of the store, of the identity, of a credential or of a program does not " +
    "answer: it is served by a program (FUSE) or by another machine (NFS), which hangs or is " +
    "gone. check looks at no file there. If it is the store or the identity, nothing else can be " +
    "looked at, and other commands may hang. " +
    "Run mount to see what serves it, and start that again, or unmount it (umount -l). " +
    "df and ls on its folder would hang too.",
  "output-drift":
    "An output shows a value that is not one Mycelium has stored: a person has changed it, " +
    "or another Mycelium (of another user, or with another store) writes there, " +
    "and this may be its only copy, so it is never overwritten. " +
    "If its service accepts it, or no service asks for it (driver generated): " +
    "mycelium adopt ENV takes it over, seals the one before, and names the files and programs " +
    "that have to follow. If it is not needed: empty that variable, then mycelium render; " +
    "not if the state is older than its log or the secret is NOT contained: " +
    "the state's value may be the compromised one.",
  "output-stale":
    "An output shows an older value, which is revoked or about to be: " +
    "a backup or another copy of the file was put back. " +
    "Programs that start now would be refused. Run mycelium render, then restart what reads " +
    "it.",
  "output-incomplete":
    "A variable that the output should show is missing from the file, or empty. " +
    "Programs that start now lack it. mycelium render writes it.",
  "output-edited":
    "An output that mycelium writes as a whole is not what it last wrote there: " +
    "it was edited or replaced. Its values may be right all the same. " +
    "mycelium render writes it again; if it holds a value that Mycelium has not stored, " +
    "that is refused: carry the edit into the template, or move the file away first.",
  "variable-left":
    "A line of a merged .env file, or a file of a folder, shows one of Mycelium's values, " +
    "and the config does not name it: it was removed from the config, or a person has copied " +
    "the value. No rotation replaces it there, so its reader is refused once that value is " +
    "dead. If a program reads it, put the variable into the config. " +
    "If none does, mycelium render --prune removes it if the whole of it is a version that is " +
    "sealed in the state; remove it by hand if it holds more (an address, for example).",
  "output-left":
    "A file that mycelium wrote as a whole is no longer in the config, but still exists: " +
    "its output was removed, or given another path. The values in it die with the next " +
    "rotation. If a program reads it, put the output back; else remove the file.",
  "output-unclear":
    "The values cannot be read back out of this output (its template has a filter or a tag, " +
    "or is a file of its own), so check does not know by fingerprint which value it shows. " +
    "Nothing is wrong with that; mycelium render writes the current one.",
  "output-unreadable":
    "An output cannot be understood as its reader would: a broken line, or a value that " +
    "depends on other variables. Its reader would fail on it too. " +
    "Correct that line, or name the right reader with for:.",
  "output-key-twice":
    "A variable is set twice in an output. Readers differ about which one counts, " +
    "so nothing is written. Delete the wrong line.",
  "output-foreign":
    "The file at an output's path was not written by mycelium, or for another environment, " +
    "and holds more than this output would write, or cannot be understood. " +
    "To overwrite it would lose the rest. In a .env file, merge: true keeps the other lines; " +
    "else move the file away, or name another. Mycelium recognises a whole .env file of its " +
    "own by the first line, # written by mycelium: ENV (not with for: " +
    "github, because $GITHUB_ENV takes no comments).",
  "output-not-read-back":
    "The new output was read back as its reader would, and would have shown something else " +
    "than intended. Nothing was written. Name the right reader with for:, or report it.",
  "output-value-unfit":
    "A value holds characters that this kind of file cannot carry for its reader. " +
    "Nothing was written. Name another reader with for:, or let mycelium generate a new " +
    "value: those always fit. The text around a value in a template is checked when the " +
    "config is loaded.",
  "output-folder-missing":
    "The folder of an output does not exist. Create it, private to those who read the file; " +
    "mycelium does not guess owners.",
  "output-is-mount":
    "The file itself is a mount point here, so no other file can be put in its place: " +
    "the system refuses the rename. Mount the folder that it lies in instead. " +
    "If that is impossible, in_place: true writes into the existing file; " +
    "a reader may then see half of it for an instant.",
  "output-mounted-alone":
    "A program, most often in a container, has this single file mounted. " +
    "Such a mount keeps showing the old file after the new one has replaced it, " +
    "so a restart alone does not bring the new value. " +
    "Mount the folder into the container instead of the file; or write in_place: true.",
  "output-in-place":
    "This output is written into, not replaced, as in_place: true says. " +
    "Readers through a mount of the single file see the new value; " +
    "but a reader may see half of it at that instant. " +
    "The folder must be writable too, for the copy from which the file is repaired after a " +
    "crash.",
  "output-linked":
    "The file has more than one name (hard links), and an output is replaced, not edited: " +
    "from the next rotation on, the other names show the old values. " +
    "A program that reads by another name would then be refused by the service, " +
    "and a copy made of hard links keeps an old password in clear. " +
    "find / -xdev -samefile FILE lists the other names; remove them, or name in the config " +
    "the one that is read. With in_place: true all names change together.",
  "output-on-network":
    "An output lies on a file system of another machine (NFS, CIFS, sshfs, …). " +
    "Its server holds the values too, and other machines that mount it may read them, " +
    "and may still see the old file after it was replaced. " +
    "Write it to a local disk of the machine that reads it.",
  "output-unwritable":
    "An output cannot be written: its folder does not exist or is closed to this user, " +
    "its disk is full, or its file system is read-only. " +
    "A rotation of its secrets is refused before any service is touched. " +
    "One that is under way waits. A containment leaves the file as it is, and owes it. " +
    "Free some space, or make it writable again.",
  "output-unreachable":
    "The owner that the config names for an output cannot enter one of the folders above it, " +
    "so the program that should read it is locked out. " +
    "Give that folder to a group that the program is in (chgrp, chmod 0750), or put the " +
    "output elsewhere.",
  "output-held-open":
    "A process of a user who may not read this output has it open: it opened the file before its " +
    "mode was narrowed, or was handed it open. The file is written into (in_place), so that process " +
    "would read the new values. Nothing was written. End the process; or give its user the right, " +
    "if it is a reader; or remove the file, unless it is mounted by itself. Only root sees what " +
    "processes of other users have open, and a file that is mapped into memory is not seen.",
  "output-too-large":
    "An output would grow beyond a megabyte, which no file of credentials does: " +
    "most likely a loop in its template. Nothing was written.",
  "output-changed-meanwhile":
    "Another program changed the output after Mycelium read it and before it wrote. " +
    "That change stands, and nothing was written. mycelium run tries again; " +
    "without it, repeat the command.",
  "output-cannot-remove":
    "A secret that should be deleted is shown by an output from which it cannot be removed. " +
    "Remove that output from the config and remove the file, or its line, by hand; " +
    "then delete again.",
  "output-line-shared":
    "A variable that should be removed shares its line with something else, so removing the " +
    "line would remove more. Nothing was written. Give the variable a line of its own, " +
    "or remove it by hand.",
  "output-tracked":
    "Git tracks a file that shows values (or the identity): every clone and every backup of " +
    "the repository has them, in the history too. Run git rm --cached on it, commit, " +
    "and then rotate what it showed: the history keeps the old values.",
  "output-not-ignored":
    "A file that shows values (or the identity) lies in a git work tree and is not ignored: " +
    "the next git add . commits it. Add it to .gitignore as the remedy says.",
  "git-not-asked":
    "A file with values lies in a git work tree, but git could not be asked: " +
    "it is not installed, or the tree belongs to another user, whose settings could run " +
    "programs. Check by hand (git check-ignore -v FILE) that it is ignored.",
} as const
