/** The state and the audit log: what is open, late, uncertain or damaged. */
export const state = {
  "service-config-old":
    "The service that runs was started (or reloaded) before the config, or a template that it " +
    "names, was edited: it still acts by the old one. The remedy makes it read the config again; " +
    "if that is wrong, its log says so and it keeps the old one. " +
    "Only a service on this machine, seen from the same container, is known.",
  "journal-open":
    "A rotation has begun and is not finished: going forward, or back to the old value. " +
    "If a mycelium process is at work, wait. Else it was interrupted: " +
    "mycelium run, or the same rotate-now again, asks each service which value it accepts, " +
    "and finishes the rotation. No value is lost meanwhile.",
  "journal-stuck":
    "A rotation has been open for more than a quarter of an hour; or no process is at work on " +
    "it, and a program holds a value that no longer works, or a service refuses every value " +
    "that Mycelium knows, or programs that share a value which no service asks for may hold " +
    "different ones. Its secrets cannot be rotated until it ends, and after a crash a " +
    "one-value service and its deployments may hold different values. " +
    "Run the same rotate-now again: it asks the service, and finishes the rotation or says " +
    "why not. If the answer is not clear, repair the service. " +
    "If it refuses every value that Mycelium knows, adopt the one that works.",
  retrying:
    "The last attempt to rotate this secret failed; the old value is still in place and " +
    "works. The message says why. If mycelium run is running, it tries again while the secret " +
    "is due, with growing pauses; a secret that a person rotated before its time waits until " +
    "it is due. Correct the cause, and rotate at once with mycelium rotate-now.",
  "revoke-overdue":
    "A value whose grace is over has not been taken away, so it is still accepted at the " +
    "service. After an incident this matters most. Check that mycelium run is running; " +
    "mycelium rotate-now on that secret tries at once and says what blocks it.",
  "revoke-owed":
    "The value before the current one is past its grace and not proven dead. " +
    "No rotation starts before it is, or there would be three values to account for. " +
    "mycelium run tries again; without it, repeat the command. " +
    "mycelium status says why it did not work.",
  uncertain:
    "A value was given up in a rotation and may still be accepted by the service. " +
    "It is not forgotten: Mycelium asks until a login with it is refused, then keeps it " +
    "encrypted. If the service never refuses it, take it away there by hand; " +
    "until then treat it as live.",
  "state-unlisted":
    "The state holds a secret, or an environment, that the config does not name. " +
    "It is no longer rotated, but its value may still open the service. " +
    "Put it back into the config; or erase what is left of it: mycelium delete ENV/OLDNAME " +
    "(or ENV) with --keep-login and --yes. The login then stays: after a rename, " +
    "adopt takes it over under the new name. If no program needs the login, end it at the " +
    "service first.",
  "debt-unlisted":
    "A secret, or an environment with all of its secrets, was taken out of the config while " +
    "something was still owed: to revoke an old value in its grace, to decide on one that may " +
    "be live, to finish a containment. Mycelium cannot reach its service any more, " +
    "so that value may still be accepted. Put the secret back into the config: " +
    "mycelium run does what is owed, or the containment carries on; " +
    "remove it once that is done. Or end its login at the service by hand, then erase what is " +
    "left: mycelium delete ENV/NAME (or ENV) --login-ended --yes.",
  "state-broken":
    "The state file is cut off or damaged. Mycelium does not guess, and rotates nothing. " +
    "Restore the file from a backup, then run mycelium reconcile to find out which value " +
    "works. Each sealed value in it opens with the age command and your identity.",
  "state-edited":
    "The state is not as mycelium wrote it: it was edited, two were mixed, or it belongs to " +
    "another store. A user who can write to the store could have swapped values. " +
    "Restore the state from a backup together with keys.age, and find out who can write to " +
    "the store.",
  "log-broken":
    "The audit log is not as mycelium wrote it: a line was changed, left out, swapped or " +
    "inserted, or its end was cut off. The state itself is right, and rotations go on. " +
    "mycelium audit verify names each place; a head that left the machine (audit verify " +
    "--heads) says from which line on the log can be trusted. " +
    "Find out who can write to the store.",
  "state-older":
    "The state is older than its audit log, or gone: a backup was restored, or the file was " +
    "lost. Or the log is gone, or ends before a line that the state refers to: " +
    "then nothing says how old the state is. It may not hold the value that works now. " +
    "Nothing is rotated or revoked. Put the newest copy back. " +
    "If there is none, mycelium reconcile asks the services which value works, and accepts " +
    "the state again.",
  "state-newer": "The state was written by a newer mycelium. It was not touched. Upgrade this one.",
  "state-foreign":
    "The state file says that it belongs to another project or environment: " +
    "it was moved or copied here. Put it back. To rename an environment, adopt its values " +
    "under the new name.",
  "project-taken":
    "The state of this environment belongs to another config, which is still there: it names the " +
    "same project, and its secrets have other logins. Two such configs would overwrite each " +
    "other's values and show them in each other's files. Give one of them another project, and " +
    "adopt its values under that name. If this config has taken the place of the other one, " +
    "remove that file. A config that was only moved, or whose logins were changed where it lies, " +
    "goes on as before.",
  "not-verified":
    "The keys of the store cannot be opened here, so check could not see whether states were " +
    "edited, nor whether outputs show the right values. " +
    "Run check as the user that has the identity. For a HEALTHCHECK use mycelium check " +
    "--quick, which needs no key.",
  "rekey-unfinished":
    "An old identity is still there beside the new one: a rekey was interrupted, " +
    "an environment was locked, or another project in the same store has not been sealed " +
    "anew. Everything works, but the old identity can still open what is left. " +
    "Run mycelium rekey (with the config of each project): it finishes, or says what prevents " +
    "it.",
  "delete-no-driver":
    "A secret that should be deleted is no longer in the config, so mycelium does not know " +
    "how to end its login. Put it back and delete it then; or end the login at the service by " +
    "hand and add --login-ended. Nothing was deleted.",
  "delete-no-admin":
    "The login of a secret that should be deleted cannot be ended with what the config gives. " +
    "Name an admin; or end it at the service by hand and add --login-ended. " +
    "Nothing was deleted: a value that still works at the service must not be erased here.",
  "value-shared":
    "Two secrets have the same value, so a person who learns one has both. " +
    "Between environments this means that a developer may hold the password of production. " +
    "Rotate one of them: mycelium rotate-now ENV/SECRET. If both rotate one login, a rotation of " +
    "either changes the password that the programs of the other one hold: take it out of one of " +
    "the two configs, and rotate neither before that.",
  "audit-unwritable":
    "The audit log cannot be written. Without a record nothing is rotated. " +
    "Free some space, or correct the log's owner and mode (0600, the user that runs " +
    "mycelium).",
  "audit-heads-undelivered":
    "The newest head of an audit log has not left the machine, though the config says where " +
    "it should go (audit: heads). No rotation waits for it. " +
    "Until it leaves, a user who can write to the store can change the newest lines " +
    "unnoticed. The message says why it failed: correct the command, or see that journald " +
    "runs; the head is sent with the next act.",
  "secret-new":
    "The config names a secret that has no value in the state. " +
    "It is left alone: nothing rotates because of a start or lost state. " +
    "If a value exists, mycelium adopt takes it over, proven by a login; " +
    "if not, mycelium rotate-now --new makes the first one.",
  "secret-unknown":
    "A rotation that is not finished, or a containment of the whole environment, " +
    "concerns a secret that is no longer in the config: mycelium cannot reach its service. " +
    "Put it back until that has ended (mycelium status), then remove it; " +
    "or end its login at the service by hand, then mycelium delete.",
  "rotation-overdue":
    "A secret is older than allowed, and its scheduled time has passed. " +
    "Usually mycelium run is not running; else mycelium status says what prevents the " +
    "rotation. mycelium rotate-now does it at once.",
  "schedule-late":
    "The schedule has no time that is early enough for this secret, so it will get older than " +
    "rotate_every allows: a day on which clocks change can have 25 hours. " +
    "Let the schedule fire more often if that matters.",
  "age-unknown":
    "The value was taken over by adopt, and it is unknown when it was made: " +
    "it may be years old. So it is due at the next scheduled time (not with rotate_every: " +
    "never), status shows its age as at least the time since then, and a review does not " +
    "count it as young enough. The next rotation ends this; or say when it was made: " +
    "mycelium adopt ENV --rotated-at 2026-03-01, or rotated_at at the secret.",
  "secret-unshown":
    "A service asks for this secret, and no output shows it: its variable was removed, " +
    "or it was never shown. No program could learn a new value, and each that has a copy of the " +
    "old one would be refused, so it is not rotated. Show it in an output; if no program logs in " +
    "with it, say so at the secret (unshown: true), or remove it from the config. A containment " +
    "rotates it all the same, for its value has leaked, and says so. " +
    "A value that no service asks for (generated) is rotated, and check only remarks it. " +
    "Nothing is said of a secret of the driver exec, because its program may pass the value on.",
  "never-rotated":
    "This secret has rotate_every: never. That is right for a key that encrypts stored data, " +
    "which must not simply be replaced. For anything else give it an age.",
} as const
