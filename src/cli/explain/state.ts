/** The state and the audit log: what is open, late, uncertain or damaged. */
export const state = {
  "journal-open":
    "A rotation has begun and is not finished: going forward, or back to the old value. If a mycelium is at work, wait. Else it was cut off: mycelium run, or the same rotate-now again, asks each service which value it accepts and ends it. No value is lost meanwhile.",
  "journal-stuck":
    "A rotation has been open for more than a quarter of an hour; or nobody is at work on it, and a program holds a value that no longer works, or a service refuses every value that Mycelium knows. Its secrets cannot be rotated until it ends, and after a crash in between a one-value service and its deployments may disagree. Run the same rotate-now again: it asks the service, and ends it or says why not. If the answer is not clear: put the service right. If it refuses every value that Mycelium knows: adopt the one that works.",
  retrying:
    "The last attempt to rotate this secret failed; the old value is still in place and works. The message says why. If mycelium run is running, it tries again where the secret is due, ever more seldom; a secret that a person rotated before its time waits until it is due. Put the cause right, and rotate at once with mycelium rotate-now.",
  "revoke-overdue":
    "A value whose grace is over has not been taken away, so it is still accepted at the service. After an incident that is what matters most. See that mycelium run is running; mycelium rotate-now on that secret tries at once and says what stands in the way.",
  "revoke-owed":
    "The value before the current one is past its grace and not proven dead. No rotation starts before it is, or there would be three values to account for. mycelium run tries again; without it, repeat the command. mycelium status says why it did not work.",
  uncertain:
    "A value was given up in a rotation and may still be accepted by the service. It is not forgotten: Mycelium asks until a login with it is refused, then keeps it encrypted. If the service never refuses it, take it away there by hand; until then treat it as live.",
  "state-unlisted":
    "The state knows a secret, or an environment, that the config does not. Nobody rotates it any more, but its value may still open the service. Put it back into the config; or erase what is left of it: mycelium delete ENV/OLDNAME (or ENV) with --keep-login and --yes. The login stays then, for a renamed secret has it under its new name, which adopt takes over; one that nobody needs must be ended at the service first.",
  "debt-unlisted":
    "A secret, or an environment with all of its secrets, was taken out of the config while something was owed of it: an old value in its grace, one that may be live, a containment that is not over. Nothing here reaches its service any more, so that value stays accepted. Put the secret back into the config: mycelium run ends what is owed, or the containment carries on; take it out once that is done. Or end its login at the service by hand, then erase what is left: mycelium delete ENV/NAME (or ENV) --keep-login --yes.",
  "state-broken":
    "The state file is cut off or damaged. Nothing is rotated from a guess. Restore it from a backup, then find out which value lives before anything is rotated. Each sealed value in it opens with the age command and your identity.",
  "state-edited":
    "The state is not as mycelium wrote it: it was edited, two were mixed, or it belongs to another store. Whoever can write there could have swapped values. Restore it from a backup together with keys.age, and find out who can write in the store.",
  "log-broken":
    "The audit log is not as mycelium wrote it: a line was changed, left out, swapped or put in between, or its end was cut off. The state itself is right, and rotations go on. mycelium audit verify names each place; a head that left the machine (audit verify --heads) says from which line on the log can be believed. Find out who can write in the store.",
  "state-older":
    "The state is older than its audit log, or gone: a backup was restored, or the file was lost. Or the log is gone, or ends before a line that the state knows of: then nothing says how old the state is. It may not know the value that lives now. Nothing is rotated or revoked. Put the newest copy back; if there is none, mycelium reconcile asks the services which value lives, and takes the state up again.",
  "state-newer": "The state was written by a newer mycelium. It was not touched. Upgrade this one.",
  "state-foreign":
    "The state file says that it belongs to another project or environment: it was moved or copied here. Put it back. To rename an environment, adopt its values under the new name.",
  "not-verified":
    "The keys of the store cannot be opened here, so check could not see whether states were edited, nor whether outputs show the right values. Run it as the user that has the identity. A HEALTHCHECK that needs no key: mycelium check --quick.",
  "rekey-unfinished":
    "An old identity still stands beside the new one: a rekey was cut off, an environment was locked, or another project in the same store has not been sealed anew. All works, but whoever has the old identity can open what is left. Run mycelium rekey (with the config of each project): it finishes, or says what is in the way.",
  "delete-no-driver":
    "A secret that should be deleted is no longer in the config, so nothing knows how to end its login. Put it back and delete it then; or end the login at the service by hand and add --keep-login. Nothing was deleted.",
  "delete-no-admin":
    "The login of a secret that should be deleted cannot be ended with what the config gives. Name an admin; or end it at the service by hand and add --keep-login. Nothing was deleted: a value that is erased here while it lives there is worse than one that is known.",
  "value-shared":
    "Two secrets have the same value, so whoever learns one has both; between environments that means that a developer holds production. Rotate one of them: mycelium rotate-now ENV/SECRET.",
  "audit-unwritable":
    "The audit log cannot be written. Without a record nothing is rotated. Free some space, or correct the log's owner and mode (0600, the user that runs mycelium).",
  "audit-heads-undelivered":
    "The newest head of an audit log has not left the machine, though the config says where it should go (audit: heads). No rotation waits for it. Until it leaves, whoever can write the store can change the newest lines unseen. The message says why it failed: correct the command, or see that journald runs; it goes with the next act.",
  "secret-new":
    "The config names a secret that has no value in the state. It is left alone: nothing rotates because of a start or of lost state. If a value exists, mycelium adopt takes it over, proven by a login; if not, mycelium rotate-now --new makes the first one.",
  "secret-unknown":
    "A rotation that is not finished, or a containment of the whole environment, concerns a secret that is no longer in the config: nothing here reaches its service. Put it back until that has ended (mycelium status), then take it out; or end its login at the service by hand, then mycelium delete.",
  "rotation-overdue":
    "A secret is older than it may get, and its time has come and gone. Usually mycelium run is not running; else mycelium status says what keeps it. mycelium rotate-now does it at once.",
  "schedule-late":
    "The schedule has no time that comes early enough for this secret, so it will get older than rotate_every says: where clocks change, a day has 25 hours. Let the schedule fire more often if that matters.",
  "age-unknown":
    "The value was taken over by adopt, and nobody has said when it was made: it may be years old. So it is due at the next scheduled time (not with rotate_every: never), status shows its age as at least the time since then, and a review does not count it as young enough. The next rotation ends this; or say when it was made: mycelium adopt ENV --rotated-at 2026-03-01, or rotated_at at the secret.",
  "secret-unshown":
    "A secret of the config has a value, and no output shows it: its variable was taken out, or it was never shown. It is rotated all the same, and whoever has a copy of the value is refused then. Show it in an output; or take it out of the config, if nobody reads it. A secret of the driver exec is left out here, for its program may hand the value on.",
  "never-rotated":
    "This secret has rotate_every: never. That is right for a key that encrypts stored data, which must not simply be replaced. For anything else give it an age.",
} as const
